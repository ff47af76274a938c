"""A real SMTP server (aiosmtpd) that prints what it receives, one JSON object a line.

Arguments: mode (starttls, tls, plain), certificate file, key file, user, password, newest TLS version (1.2 or 1.3).
The first line says which port it listens on.
"""

import asyncio
import base64
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, certificate, key, user, password, newest = sys.argv[1:7]


def say(**fields):
    print(json.dumps(fields), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [part for part in mail.walk() if not part.is_multipart()]
        find = lambda kind: next((p.get_content() for p in parts if p.get_content_type() == kind), None)
        images = [p for p in parts if p.get_content_type() == "image/png"]
        tls = server.transport.get_extra_info("ssl_object")
        say(
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            subject=mail["subject"],
            message_id=mail["message-id"],
            headers=sorted(set(name.lower() for name in mail.keys())),
            text=find("text/plain"),
            html=find("text/html"),
            image=base64.b64encode(images[0].get_content()).decode() if images else None,
            image_id=images[0]["content-id"] if images else None,
            tls=tls.version() if tls else None,
            user=session.auth_data.decode() if session.auth_data else None,
        )
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, data):
    fits = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=fits, handled=False, auth_data=data.login if fits else None)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[newest]

    def session():
        return SMTP(
            Handler(),
            hostname="peer.invalid",
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            authenticator=authenticate if mode != "plain" else None,
            auth_required=mode != "plain",
            # It only counts STARTTLS as TLS; with TLS from the first byte it has to be told.
            auth_require_tls=mode == "starttls",
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
