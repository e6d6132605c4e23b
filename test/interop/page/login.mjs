// What a web page does to log in with the certificate of its visitor: one request to warm up, then strophe.js as ever.
import { Strophe } from './strophe.js'

/**
 * For WebSockets only. One never makes a browser ask which certificate to use: without an earlier answer for that host and port it fails with 1006,
 * even where there is no certificate at all. Any request to that host and port asks, once.
 */
export async function warmUp(service) {
  const { host } = new URL(service)
  await fetch(`https://${host}/.well-known/host-meta.json`, { credentials: 'include' })
}

/** `service`: wss://…, or https://… for BOSH, where `withCredentials` lets a page of another origin bring the certificate. */
export function logIn(service, jid) {
  const connection = new Strophe.Connection(service, { withCredentials: true })
  return new Promise((resolve, reject) => {
    connection.connect(jid, '', (status, condition) => {
      if (status === Strophe.Status.CONNECTED) resolve(connection)
      if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.CONNFAIL) reject(new Error(condition))
    })
  })
}
