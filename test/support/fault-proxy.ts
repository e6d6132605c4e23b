/**
 * A bad network on the loopback: passes TCP connections on, and cuts each of them after a random number of bytes, in the middle
 * of whatever is under way: a handshake, a request, a response. What it cuts at is decided by a seed; when it happens, by the traffic.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Randomness } from '../fuzz/xml-documents.ts'

export interface FaultProxyOptions {
  readonly port: number
  readonly random: Randomness
  /** The mean of the bytes after which a connection is cut, in either direction. */
  readonly meanBytes: number
  /** After so many connections in a row that got nowhere one is spared for a while: for clients that give up. */
  readonly mercyAfter?: number
  /** One connection in so many is cut at the client's end alone: the server hears nothing of it, and nothing more. None where 0. */
  readonly unseenOneIn?: number
}

/** A full handshake with certificates takes about 4 kB; one connection in so many may be cut in its own. */
const handshakeBytes = 4_000
const handshakeCutOneIn = 10
const resolution = 1_000_000

/** What a connection carries before it counts as one that got somewhere; and what one that is spared carries at least. */
const sparedBytes = 16_000

export class FaultProxy {
  readonly #server: Server
  readonly #options: FaultProxyOptions
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #isFaulty = true
  #inVain = 0
  /** Connections that were cut, by what was cut. */
  readonly cuts = { handshake: 0, upstream: 0, downstream: 0 }

  private constructor(options: FaultProxyOptions) {
    this.#options = options
    this.#server = createServer(socket => { this.#take(socket) })
  }

  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number { return (this.#server.address() as AddressInfo).port }

  /** The network is good from now on. */
  heal(): void { this.#isFaulty = false }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const pair of this.#pairs) this.#cut(pair)
    await closed
  }

  #take(client: Socket): void {
    const { random, meanBytes, port, mercyAfter = Infinity, unseenOneIn = 0 } = this.#options
    const server = connect(port, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    // A direction and a number of bytes; exponential, as of a network that fails at any byte alike.
    const isUpstream = random.oneIn(2)
    const isSpared = this.#inVain >= mercyAfter
    const inHandshake = random.oneIn(handshakeCutOneIn) && !isSpared
    let left = inHandshake ? random.below(handshakeBytes) : (isSpared ? sparedBytes : handshakeBytes) + Math.ceil(-Math.log((random.below(resolution) + 1) / resolution) * meanBytes)
    const isReset = random.oneIn(2)
    const isUnseen = unseenOneIn > 0 && random.oneIn(unseenOneIn)
    let carried = 0

    const relay = (from: Socket, to: Socket, isCounted: boolean) => {
      from.on('data', (chunk: Buffer) => {
        carried += chunk.length
        if (!this.#isFaulty || !isCounted || chunk.length < left) {
          left -= isCounted ? chunk.length : 0
          to.write(chunk)
          return
        }
        this.cuts[inHandshake ? 'handshake' : isUpstream ? 'upstream' : 'downstream'] += 1
        this.#inVain = carried < sparedBytes ? this.#inVain + 1 : 0
        from.pause()
        if (isUnseen) {
          this.#silence(client, server, isReset)
          return
        }
        // The last bytes arrive, so that the other end has half of something.
        to.write(chunk.subarray(0, left), () => { this.#cut(pair, isReset) })
      })
      from.on('error', () => { this.#cut(pair) })
      from.on('close', () => {
        this.#pairs.delete(pair)
        to.destroySoon()
      })
    }
    relay(client, server, isUpstream)
    relay(server, client, !isUpstream)
  }

  /** The server's end stays open until the network is taken down. */
  #silence(client: Socket, server: Socket, isReset: boolean): void {
    client.removeAllListeners('close')
    server.removeAllListeners('data')
    server.pause()
    if (isReset) reset(client)
    else client.destroy()
  }

  #cut(pair: readonly [Socket, Socket], isReset = false): void {
    this.#pairs.delete(pair)
    for (const socket of pair) {
      if (isReset) reset(socket)
      else socket.destroy()
    }
  }
}

/** libuv refuses to reset a socket whose end is on its way, and Node then never closes it: it would keep this process from ending. */
function reset(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
