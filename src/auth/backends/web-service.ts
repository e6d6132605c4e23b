/** One web service: GET requests over a few kept connections, bounded in time, number and size. Whatever it answers is read, nothing is
 * followed, nothing is decoded, and no word of a request or an answer stands in an error (RFC 9110). */

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { ConnectionOptions } from 'node:tls'

import type { Clock } from '../../telemetry/clock.ts'

/** The service cannot be asked, or answers nonsense. */
export class WebServiceError extends Error {
  override readonly name = 'WebServiceError'
}

export interface WebServiceOptions {
  /** Ends with a slash. */
  readonly base: URL
  /** `user:password`; null for none. */
  readonly basicAuth: string | null
  readonly tls: ConnectionOptions
  readonly connections: number
  readonly timeoutMilliseconds: number
  readonly clock: Clock
}

export interface WebAnswer { readonly status: number, readonly text: string }

/** How many may wait for a connection, for each connection: the others are told at once. */
const waitersPerConnection = 50

/** A connection that was kept may turn out to have been closed by the service: then the request is sent again, once. */
class StaleConnectionError extends WebServiceError {}

export class WebService {
  readonly #options: WebServiceOptions
  readonly #agent: HttpAgent
  readonly #send: typeof httpRequest
  readonly #headers: Readonly<Record<string, string>>
  #underWay = 0

  constructor(options: WebServiceOptions) {
    this.#options = options
    const pool = { keepAlive: true, maxSockets: options.connections, maxFreeSockets: options.connections, scheduling: 'lifo' } as const
    const isSecure = options.base.protocol === 'https:'
    this.#agent = isSecure ? new HttpsAgent({ ...options.tls, ...pool }) : new HttpAgent(pool)
    this.#send = isSecure ? httpsRequest : httpRequest
    const basic = options.basicAuth === null ? {} : { authorization: `Basic ${Buffer.from(options.basicAuth).toString('base64')}` }
    this.#headers = { 'accept-encoding': 'identity', 'user-agent': 'Meerkat', ...basic }
  }

  /** Rejects with a WebServiceError. `maxBytes` bounds the body. */
  async get(name: string, query: Readonly<Record<string, string>>, maxBytes: number): Promise<WebAnswer> {
    const { connections, timeoutMilliseconds, clock } = this.#options
    if (this.#underWay >= connections * (1 + waitersPerConnection)) throw new WebServiceError(`${name}: too many requests are waiting for the service`)
    const deadline = new AbortController()
    const timer = clock.after(timeoutMilliseconds, () => { deadline.abort() })
    this.#underWay += 1
    try {
      const ask = () => this.#ask(name, query, maxBytes, deadline.signal)
      return await ask().catch((error: unknown) => {
        if (error instanceof StaleConnectionError && !deadline.signal.aborted) return ask()
        throw error
      })
    } catch (error) {
      if (deadline.signal.aborted) throw new WebServiceError(`${name}: no complete answer within request_timeout (${timeoutMilliseconds} ms)`)
      // Nothing of the error itself: a parser's error carries the bytes, which may be somebody's password.
      throw new WebServiceError(`${name}: ${error instanceof WebServiceError ? error.message : faultOf(error)}`)
    } finally {
      this.#underWay -= 1
      timer.cancel()
    }
  }

  close(): void { this.#agent.destroy() }

  #ask(name: string, query: Readonly<Record<string, string>>, maxBytes: number, signal: AbortSignal): Promise<WebAnswer> {
    const url = new URL(name, this.#options.base)
    url.search = new URLSearchParams(query).toString()
    return new Promise((resolve, reject) => {
      const request = this.#send(url, { agent: this.#agent, headers: this.#headers, signal })
      let isAnswered = false
      request.on('response', response => {
        isAnswered = true
        resolve(read(response, maxBytes).catch((error: unknown) => { request.destroy(); throw error }))
      })
      request.on('error', error => { reject(isStale(request, error) ? new StaleConnectionError('a kept connection was closed') : error) })
      request.on('close', () => { if (!isAnswered) reject(new WebServiceError('the connection was closed before there was an answer')) })
      request.end()
    })
  }
}

const isStale = (request: ClientRequest, error: Error): boolean =>
  request.reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')

/** The whole body, as UTF-8. */
function read(response: IncomingMessage, maxBytes: number): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const refuse = (problem: string): void => { reject(new WebServiceError(problem)) }
    const encoding = response.headers['content-encoding'] ?? 'identity'
    if (encoding.toLowerCase() !== 'identity') { refuse('an encoded body, which nobody asked for'); return }
    if (Number(response.headers['content-length'] ?? 0) > maxBytes) { refuse(`a body of more than ${maxBytes} bytes`); return }
    const chunks: Buffer[] = []
    let length = 0
    response.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) refuse(`a body of more than ${maxBytes} bytes`)
      else chunks.push(chunk)
    })
    response.on('error', reject)
    response.on('close', () => { refuse('the connection was closed in the middle of the answer') })
    response.on('end', () => {
      if (!response.complete) { refuse('the connection was closed in the middle of the answer'); return }
      try {
        resolve({ status: response.statusCode ?? 0, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)) })
      } catch {
        refuse('a body that is not UTF-8')
      }
    })
  })
}

/** "ECONNREFUSED", "HPE_INVALID_CONSTANT", "DEPTH_ZERO_SELF_SIGNED_CERT" … */
const faultOf = (error: unknown): string => error instanceof Error && 'code' in error ? String(error.code) : 'the request failed'
