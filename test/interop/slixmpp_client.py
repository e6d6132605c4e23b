# One user at Debian's python3-slixmpp: logs in, asks, says something to somebody, hears the answer, leaves. What happens is told as JSON, one line each.
import asyncio
import json
import ssl
import sys

import slixmpp

wanted = json.loads(sys.argv[1])


def tell(**what):
    print(json.dumps(what), flush=True)


class User(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(wanted['jid'], wanted.get('password'), sasl_mech=wanted['mechanism'])
        self.ca_certs = wanted['ca']
        if 'cert' in wanted:
            self.certfile, self.keyfile = wanted['cert'], wanted['key']
        for plugin in ('xep_0030', 'xep_0092', 'xep_0199'):
            self.register_plugin(plugin)
        self.add_event_handler('session_start', self.begin)
        self.add_event_handler('message', self.hear)
        self.add_event_handler('failed_all_auth', lambda _: tell(failed='auth'))
        self.add_event_handler('connection_failed', lambda why: tell(failed=str(why)))
        self.add_event_handler('disconnected', lambda _: tell(end=True))

    async def begin(self, _):
        connection = self.transport.get_extra_info('ssl_object')
        tell(jid=self.boundjid.full, tls=connection.version(), alpn=connection.selected_alpn_protocol())
        self.send_presence()
        await self['xep_0199'].send_ping('localhost')
        version = await self['xep_0092'].get_version('localhost')
        info = await self['xep_0030'].get_info(jid='localhost')
        tell(software=version['software_version']['name'], features=sorted(info['disco_info']['features']))
        self.send_message(mto=wanted['to'], mbody=wanted['say'], mtype='chat')

    async def hear(self, message):
        tell(heard=message['body'], sender=str(message['from']))
        await self.disconnect()


user = User()
user.connect(('127.0.0.1', wanted['port']), use_ssl=wanted['direct'], force_starttls=not wanted['direct'])
user.loop.run_until_complete(asyncio.wait_for(user.disconnected, 20))
