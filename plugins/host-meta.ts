/** Where the XMPP endpoints are (XEP-0156 §3), as XRD and as JRD (RFC 6415), readable by any web page. */
import { XMLBuilder } from 'fast-xml-parser'
import type { FastifyInstance, FastifyRequest } from 'fastify'

export interface Endpoint {
  readonly rel: 'urn:xmpp:alt-connections:websocket' | 'urn:xmpp:alt-connections:xbosh'
  /** XEP-0156 §3.2: only the schemes that TLS protects, also where the TLS is a proxy's. */
  readonly scheme: 'wss' | 'https'
  readonly path: string
}

export interface HostMetaOptions {
  readonly endpoints: readonly Endpoint[]
}

/** Written by us, so a builder is safe here; it escapes what came from the Host header. */
const xml = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: true, format: true })

export async function hostMeta(fastify: FastifyInstance, { endpoints }: HostMetaOptions): Promise<void> {
  const links = (request: FastifyRequest) => endpoints.map(({ rel, scheme, path }) => ({ rel, href: `${scheme}://${hostOf(request)}${path}` }))

  fastify.get('/.well-known/host-meta', (request, reply) => reply.type('application/xrd+xml; charset=utf-8').send(
    `<?xml version="1.0" encoding="UTF-8"?>\n${xml.build({ XRD: {
      '@xmlns': 'http://docs.oasis-open.org/ns/xri/xrd-1.0',
      Link: links(request).map(({ rel, href }) => ({ '@rel': rel, '@href': href })),
    } })}`))

  fastify.get('/.well-known/host-meta.json', (request, reply) =>
    reply.type('application/json; charset=utf-8').send({ links: links(request) }))
}

/** The host as the visitor spelt it, which is the one that its URLs have to name; what is no host is not repeated. */
const hostOf = ({ host }: FastifyRequest): string => /^[\w.-]+(:\d{1,5})?$|^\[[\da-fA-F:.]+\](:\d{1,5})?$/.test(host) ? host : 'localhost'
