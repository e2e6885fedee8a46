"""Hands a mail over by LMTP, and tells what was answered.

    lmtp_client.py SOCKET RECIPIENT... < MAIL
"""

import json
import smtplib
import sys

socket, *recipients = sys.argv[1:]
with smtplib.LMTP(socket) as client:
    client.ehlo()
    assert client.has_extn("pipelining") and client.has_extn("enhancedstatuscodes"), client.esmtp_features
    client.mail("")
    taken = [client.rcpt(recipient)[0] for recipient in recipients]
    code, _ = client.docmd("DATA")
    replies = []
    if code == 354:
        client.send(smtplib._quote_periods(smtplib._fix_eols(sys.stdin.read()).encode()) + b"\r\n.\r\n")
        replies = [client.getreply()[0] for answer in taken if answer == 250]
print(json.dumps({"recipients": taken, "mail": code, "replies": replies}))
