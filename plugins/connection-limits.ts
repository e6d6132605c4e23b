/** How many connections there may be: at all, and from one address. Counted where they arrive, before TLS costs anything. */
import type { Server, Socket } from 'node:net'
import type { Log } from '../src/telemetry/log.ts'

export interface ConnectionLimitOptions {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly log: Log
}

/** One for all listeners together. */
export class ConnectionLimits {
  readonly #options: ConnectionLimitOptions
  readonly #perAddress = new Map<string, number>()
  readonly #sockets = new Set<Socket>()

  constructor(options: ConnectionLimitOptions) { this.#options = options }

  watch(server: Server): void {
    // In front of the server's own listeners, TLS above all: for a connection that is refused none of them does anything.
    const listeners = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (this.#admits(socket)) for (const listener of listeners) listener.call(server, socket)
    })
  }

  #admits(socket: Socket): boolean {
    const { maxConnections, maxConnectionsPerAddress, log } = this.#options
    const address = socket.remoteAddress ?? ''
    const fromHere = this.#perAddress.get(address) ?? 0
    const isFull = this.#sockets.size >= maxConnections
    if (isFull || fromHere >= maxConnectionsPerAddress) {
      log.warn({ event: 'connection.refused', address, reason: isFull ? 'limits.max_connections' : 'limits.max_connections_per_address' })
      socket.destroy()
      return false
    }
    this.#sockets.add(socket)
    this.#perAddress.set(address, fromHere + 1)
    socket.once('close', () => { this.#leave(socket, address) })
    return true
  }

  /** Cuts every connection, whatever has become of it: an HTTP server knows only those that are still HTTP. */
  cutAll(): void { for (const socket of this.#sockets) socket.destroy() }

  #leave(socket: Socket, address: string): void {
    this.#sockets.delete(socket)
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
  }
}
