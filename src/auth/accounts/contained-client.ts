/** A client of the library `pg` that a server cannot bring down: what it throws in the middle of an event, where nobody could catch it, ends that
 * connection; and one whose beginning fails is closed, which the library leaves to the server. */

import type { Duplex } from 'node:stream'

import type { Client, ClientConfig } from 'pg'

type Callback = (error: Error | null, client?: Client) => void

/** `Base`: the library is loaded only where it is used. */
export function containedClient(Base: typeof Client): typeof Client {
  return class extends Base {
    constructor(config?: string | ClientConfig) {
      super(config)
      contain(this.connection.stream)
      // TLS puts another stream in its place.
      this.connection.on('sslconnect', () => { contain(this.connection.stream) })
    }

    override connect(): Promise<Client>
    override connect(callback: Callback): void
    override connect(callback?: Callback): Promise<Client> | void {
      if (callback === undefined) return super.connect()
      super.connect((error: Error | null) => {
        if (error !== null) this.connection.stream.destroy()
        callback(error, this)
      })
    }
  }
}

function contain(stream: Duplex): void {
  const emit = stream.emit.bind(stream)
  stream.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    try {
      return emit(event, ...values)
    } catch (error) {
      if (event !== 'data') throw error
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
      return true
    }
  }
}
