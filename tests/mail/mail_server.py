"""A mail server for tests: aiosmtpd, which tells on its standard output all that it receives.

Its argument is a JSON object:
  cert, key        PEM files; without them there is no TLS
  implicit_tls     TLS from the first byte, else by STARTTLS (when there is a certificate)
  user, password   asked for when given
  smtputf8         whether addresses beyond ASCII are taken
  inject           lines slipped in, unencrypted, after the answer to STARTTLS
  taken            what is answered when a mail is taken
  hang_up          closes the line after each mail
  busy_for         a domain whose recipients are refused for now, and the line with them (421)
Mail for refused@... is refused for good, mail for slow@... is never answered.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])


def tell(kind, what):
    print(json.dumps([kind, what]), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such user"
        if address.endswith("@" + options.get("busy_for", "?")):
            asyncio.get_running_loop().call_soon(server.transport.close)
            return "421 4.7.0 not for this domain now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("slow@"):
            await asyncio.Event().wait()
        tell("mail", envelope.content.decode("utf-8", "replace"))
        if options.get("hang_up"):
            asyncio.get_running_loop().call_soon(server.transport.close)
        return options.get("taken", "250 2.0.0 queued as 7")


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (options["user"], options["password"])
    return AuthResult(success=right, handled=right)


class Recorder(SMTP):
    def connection_made(self, transport):
        if not isinstance(transport, asyncio.sslproto._SSLProtocolTransport) or options.get("implicit_tls"):
            tell("connected", "")
        super().connection_made(transport)

    def data_received(self, data):
        tell("received", data.decode("utf-8", "replace"))
        super().data_received(data)

    async def push(self, status):
        if options.get("inject") and status.startswith("220 Ready"):
            status = status + "\r\n" + options["inject"]
        return await super().push(status)


async def main():
    context = None
    if "cert" in options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["cert"], options["key"])
    implicit = options.get("implicit_tls", False)
    settings = {"enable_SMTPUTF8": options.get("smtputf8", False), "hostname": "localhost"}
    if "user" in options:
        settings.update(auth_required=True, auth_require_tls=False, authenticator=authenticate)
    if context and not implicit:
        settings["tls_context"] = context

    server = await asyncio.get_running_loop().create_server(
        lambda: Recorder(Handler(), **settings), "127.0.0.1", 0, ssl=context if implicit else None
    )
    tell("ready", str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


asyncio.run(main())
