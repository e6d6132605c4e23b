// A client, in a process of its own, that sends an element in packets of a given size.
import { once } from 'node:events'
import { connect } from 'node:net'
import { answerCalls } from './remote.ts'

export interface ByteRequest {
  readonly port: number
  readonly packetBytes: number
  /** Of all packets together. */
  readonly bytes: number
}

const header = '<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="localhost" version="1.0">'

/** Resolves when the server has heard the end, and answered it. */
async function dribble({ port, packetBytes, bytes }: ByteRequest): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  let heard = ''
  socket.on('data', (chunk: Buffer) => { heard += chunk.toString() })
  socket.on('error', () => { /* the check below finds out */ })
  socket.write(header)
  const body = Buffer.from(`<body xmlns="urn:x">${'x'.repeat(bytes)}</body>`)
  for (let at = 0; at < body.length; at += packetBytes) {
    // One packet each: what is not acknowledged yet does not hold it back, and nothing is gathered here.
    await new Promise<void>(resolve => { socket.write(body.subarray(at, at + packetBytes), () => { resolve() }) })
  }
  await once(socket, 'close')
  if (!heard.includes('unsupported-stanza-type')) throw new Error(`another end: ${heard}`)
}

answerCalls({ dribble })
