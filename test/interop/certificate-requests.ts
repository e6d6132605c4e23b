// The fetch and the XMLHttpRequest of a browser, with a client certificate in them: for libraries that take no TLS options of their own.
import { Agent, request } from 'node:https'
import { DOMParser } from '@xmldom/xmldom'
import type { Credentials } from './certificate-websocket.ts'

const agents = new Map<string, Agent>()

/** Both bring this certificate to that URL from now on. A part behind `#`, which no server sees, keeps several identities apart. */
export function bringCertificate(url: string, credentials: Credentials): void {
  agents.set(url, new Agent({ ...credentials, keepAlive: true }))
}

/** For a POST of a text, which is all that BOSH does. */
export function certificateFetch(url: string, { body, headers, signal }: { body: string, headers: Record<string, string>, signal?: AbortSignal }): Promise<Response> {
  const bytes = Buffer.from(body)
  const options = { method: 'POST', agent: agents.get(url), headers: { ...headers, 'content-length': bytes.length }, ...signal && { signal } }
  return new Promise((resolve, reject) => {
    request(url, options, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      // An answer that was cut short is none.
      response.on('error', reject)
      response.on('end', () => { resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 0 })) })
    }).on('error', reject).end(bytes)
  })
}

export class CertificateXMLHttpRequest {
  readyState = 0
  status = 0
  responseText = ''
  responseXML: unknown = null
  onreadystatechange = (): void => {}
  #url = ''
  readonly #headers: Record<string, string> = {}
  readonly #aborted = new AbortController()

  open(_method: string, url: string): void {
    this.#url = url
    this.#change(1)
  }

  setRequestHeader(name: string, value: string): void { this.#headers[name] = value }

  getAllResponseHeaders(): string { return '' }

  async send(body: string): Promise<void> {
    try {
      const response = await certificateFetch(this.#url, { body, headers: this.#headers, signal: this.#aborted.signal })
      this.responseText = await response.text()
      this.responseXML = new DOMParser().parseFromString(this.responseText, 'text/xml')
      this.status = response.status
    } catch {
      this.status = 0
    }
    this.#change(4)
  }

  abort(): void { this.#aborted.abort() }

  #change(state: number): void {
    this.readyState = state
    this.onreadystatechange()
  }
}
