// What a login costs at the very least, with `ws`: the handshake and the upgrade of bare-relay.ts, and each message answered with fixed frames. It
// parses nothing, checks nothing, and everybody is the same user.
import type { AddressInfo } from 'node:net'
import { bareServer } from './bare-server.ts'

const header = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" id="sJkNbGvQhxTq3rWpsJkNbGvQhxTq3rWp" from="localhost" version="1.0" xml:lang="en"/>'
const features = (content: string) => `<stream:features xmlns:stream="http://etherx.jabber.org/streams">${content}</stream:features>`

/** In the order in which a client asks. */
const answers: readonly (readonly string[])[] = [
  [header, features('<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>EXTERNAL</mechanism></mechanisms>')],
  ['<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'],
  [header, features('<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>')],
  ['<iq xmlns="jabber:client" type="result" id="b1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>user@localhost/sJkNbGvQhxTq3rWpsJkNbGvQhxTq3rWp</jid></bind></iq>'],
]

const { server, sockets } = bareServer(process.argv[2] ?? '')
sockets.on('connection', (socket, { socket: wire }) => {
  let asked = 0
  socket.on('message', () => {
    // One record for what is answered together, as Meerkat does.
    wire.cork()
    for (const answer of answers[asked++] ?? []) socket.send(answer)
    wire.uncork()
  })
  socket.on('error', () => {})
})

server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`listening on wss://localhost:${(server.address() as AddressInfo).port}/\n`)
})
