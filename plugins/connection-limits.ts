/** How many connections there may be: at all, and from one address. Counted where they arrive, before TLS costs anything. */
import type { Server, Socket } from 'node:net'
import type { Log } from '../src/telemetry/log.ts'
import { addressOf } from './remote-address.ts'

export interface ConnectionLimitOptions {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly log: Log
}

/** Whose connections carry those of many clients: they are not counted as one client's, see `admit`. */
export interface Carriers {
  /** Told by the address alone, when the connection arrives. */
  hasAddress(address: string): boolean
  /** Told once TLS stands, where that is needed. */
  includes(socket: Socket): boolean
}

const nobody: Carriers = { hasAddress: () => false, includes: () => false }

/** One for all listeners together. */
export class ConnectionLimits {
  readonly #options: ConnectionLimitOptions
  readonly #perAddress = new Map<string, number>()
  /** With the address that each is counted for; null for a proxy's. */
  readonly #sockets = new Map<Socket, string | null>()

  constructor(options: ConnectionLimitOptions) { this.#options = options }

  /** How many connections there are. */
  get size(): number { return this.#sockets.size }

  watch(server: Server, carriers: Carriers = nobody): void {
    // In front of the server's own listeners, TLS above all: for a connection that is refused none of them does anything.
    const listeners = server.listeners('connection')
    server.removeAllListeners('connection')
    const unproved = new Map<string, Socket>()
    server.on('connection', (socket: Socket) => {
      if (!this.#admits(socket, carriers)) return
      if (carriers !== nobody && this.#sockets.get(socket) !== null) {
        const end = endOf(socket)
        unproved.set(end, socket)
        socket.once('close', () => { unproved.delete(end) })
      }
      for (const listener of listeners) listener.call(server, socket)
    })
    if (carriers === nobody) return
    // TLS makes another socket of the same connection.
    server.prependListener('secureConnection', (secure: Socket) => {
      const socket = unproved.get(endOf(secure))
      if (socket !== undefined && carriers.includes(secure)) this.#uncount(socket)
    })
  }

  /** A client that comes through a proxy: a function that says it has left, or null where there are too many of its address. */
  admit(address: string): (() => void) | null {
    const { maxConnectionsPerAddress, log } = this.#options
    if ((this.#perAddress.get(address) ?? 0) >= maxConnectionsPerAddress) {
      log.warn({ event: 'connection.refused', address, limit: 'limits.max_connections_per_address' })
      return null
    }
    this.#add(address)
    let isHere = true
    return () => {
      if (isHere) this.#subtract(address)
      isHere = false
    }
  }

  /** Cuts every connection, whatever has become of it: an HTTP server knows only those that are still HTTP. */
  cutAll(): void { for (const socket of this.#sockets.keys()) socket.destroy() }

  #admits(socket: Socket, carriers: Carriers): boolean {
    const { maxConnections, maxConnectionsPerAddress, log } = this.#options
    const address = addressOf(socket)
    const isCounted = !carriers.hasAddress(address)
    const isFull = this.#sockets.size >= maxConnections
    if (isFull || (isCounted && (this.#perAddress.get(address) ?? 0) >= maxConnectionsPerAddress)) {
      log.warn({ event: 'connection.refused', address, limit: isFull ? 'limits.max_connections' : 'limits.max_connections_per_address' })
      socket.destroy()
      return false
    }
    this.#sockets.set(socket, isCounted ? address : null)
    if (isCounted) this.#add(address)
    socket.once('close', () => {
      this.#uncount(socket)
      this.#sockets.delete(socket)
    })
    return true
  }

  #uncount(socket: Socket): void {
    const address = this.#sockets.get(socket) ?? null
    if (address === null) return
    this.#sockets.set(socket, null)
    this.#subtract(address)
  }

  #add(address: string): void { this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1) }

  #subtract(address: string): void {
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
  }
}

/** Of the other end of a connection: what tells it from every other that is open on a listener. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? ''}`
