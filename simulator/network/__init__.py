"""What is behind the simulated modem: its PPP end, the air, and an internet on this machine alone.

Bytes from the serial line become IP packets in PPPEnd, cross the air in an Internet, and reach
servers on the loopback through passt. Nothing here knows of modems, AT commands or boards.

clock         simulated time, which may run faster
journal       what was seen, for tests and logs
hdlc          frames on the serial line (RFC 1662)
automaton     option negotiation (RFC 1661), shared by lcp and ipcp
lcp, auth, ipcp  the control protocols (RFC 1661, 1334, 1994, 1332, 1877)
ppp           PPPEnd: the modem's end of the line
air           what a radio link does to packets: as data, and done
internet      Internet: DNS, ping, routes, refusals
ip, dns, ntp  packets and servers' answers, pure functions
sockets       the modem's own stack: names, TCP, TLS 1.0 and UDP over the air
passt         the user-mode TCP/IP stack as a child process
pcap          captures of the line for Wireshark
certificates  throw-away certificates, good and bad
servers       HTTP, HTTPS and bulk TCP that stand in for the world; they start the NTP servers, too
tls, rogues   how each HTTPS server does TLS, and servers that break it
"""
