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
  #total = 0

  constructor(options: ConnectionLimitOptions) { this.#options = options }

  watch(server: Server): void {
    server.prependListener('connection', (socket: Socket) => { this.#arrive(socket) })
  }

  #arrive(socket: Socket): void {
    const { maxConnections, maxConnectionsPerAddress, log } = this.#options
    const address = socket.remoteAddress ?? ''
    const fromHere = this.#perAddress.get(address) ?? 0
    if (this.#total >= maxConnections || fromHere >= maxConnectionsPerAddress) {
      log.warn({ event: 'connection.refused', address, reason: this.#total >= maxConnections ? 'limits.max_connections' : 'limits.max_connections_per_address' })
      socket.destroy()
      return
    }
    this.#total += 1
    this.#perAddress.set(address, fromHere + 1)
    socket.once('close', () => { this.#leave(address) })
  }

  #leave(address: string): void {
    this.#total -= 1
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
  }
}
