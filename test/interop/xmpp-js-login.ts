// @xmpp/client 0.14 in Node, logging in with a TLS client certificate. It has no EXTERNAL; this is one.
import { client, type XmppClient } from '@xmpp/client'
import { type Credentials, webSocketWith } from './certificate-websocket.ts'

/** SASL EXTERNAL (RFC 4422 appendix A) as the factory `saslmechanisms` wants it. */
class External {
  readonly name = 'EXTERNAL'
  readonly clientFirst = true
  /** Nothing says: as whom the certificate names. */
  response({ authzid = '' }: { readonly authzid?: string }): string { return authzid }
  challenge(): this { return this }
}

/** `authzid`: which one, for a certificate with several addresses. */
export async function xmppJsLogin(service: string, domain: string, credentials: Credentials, authzid = ''): Promise<XmppClient> {
  globalThis.WebSocket = webSocketWith(credentials)
  const xmpp = client({ service, domain, credentials: async authenticate => { await authenticate({ authzid }, 'EXTERNAL') } })
  xmpp.saslFactory.use('EXTERNAL', External)
  try {
    await xmpp.start()
  } catch (error) {
    // It is a SASLError with `condition` and `text` where the server refused; without this the library would try again and again.
    await xmpp.stop()
    throw error
  }
  return xmpp
}
