/** Answers what cannot be read as an HTTP request (RFC 9112), which no route ever sees: one status, one event, and the end of the connection. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../src/telemetry/log.ts'

/** By the codes of Node's parser and timers. */
const statuses: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431], ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413], ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])

/** Null for what is not about HTTP: a connection that broke, or a TLS handshake, which is told of as `tls.failed`. */
export function statusOf(code: string): number | null {
  return statuses.get(code) ?? (code.startsWith('HPE_') ? 400 : null)
}

/** A handler for the server's `clientError`. */
export const refuseMalformed = (log: Log) => (error: Error & { readonly code?: string }, socket: Socket): void => {
  const reason = error.code ?? ''
  const status = statusOf(reason)
  if (status === null || !socket.writable) {
    socket.destroy()
    return
  }
  log.info({ event: 'http.refused', status, reason, address: socket.remoteAddress })
  const text = STATUS_CODES[status] ?? ''
  socket.once('finish', () => { socket.destroy() })
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length + 2}\r\n\r\n${text}.\n`)
}
