"""The network's name server: answers what the scenario says, nothing else."""

import dnslib

RCODES = ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NXDOMAIN")  # RFC 1035 4.1.1


def answer(
    request: bytes, names: dict[str, str | None], refuse: str = ""
) -> tuple[bytes | None, str, str]:
    """(answer or None for silence, the name asked for, what was answered in words).

    names: name -> IPv4 or IPv6 address; None: there is no such name; "": no answer at all. Names that are
    not in it do not exist. Only A and AAAA records have data (RFC 1035, 3596). refuse: one of RCODES, the answer
    whatever is asked.
    """
    try:
        query = dnslib.DNSRecord.parse(request)
    except (dnslib.DNSError, ValueError, IndexError) as error:
        return None, "?", f"not understood: {error}"
    if query.header.qr or len(query.questions) != 1:
        return None, "?", "not a query"
    name = str(query.q.qname).rstrip(".").lower()
    kind = dnslib.QTYPE.get(query.q.qtype)
    known = {key.rstrip(".").lower(): address for key, address in names.items()}
    address = known.get(name)
    if refuse:
        reply = query.reply(aa=0)
        reply.header.rcode = getattr(dnslib.RCODE, refuse)
        return reply.pack(), name, f"{kind} {refuse}"
    if address == "":
        return None, name, f"{kind} silence"
    reply = query.reply(aa=0)
    if address is None:
        reply.header.rcode = dnslib.RCODE.NXDOMAIN
        said = "no such name"
    elif ":" in address:
        if query.q.qtype in (dnslib.QTYPE.AAAA, dnslib.QTYPE.ANY):
            reply.add_answer(
                dnslib.RR(query.q.qname, dnslib.QTYPE.AAAA, ttl=60, rdata=dnslib.AAAA(address))
            )
        said = address if reply.rr else "no such record"
    elif query.q.qtype in (dnslib.QTYPE.A, dnslib.QTYPE.ANY):
        reply.add_answer(dnslib.RR(query.q.qname, dnslib.QTYPE.A, ttl=60, rdata=dnslib.A(address)))
        said = address
    else:
        said = "no such record"
    return reply.pack(), name, f"{kind} {said}"
