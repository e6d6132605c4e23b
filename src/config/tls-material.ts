/** Reads and checks what one listener's TLS needs from files. */
import type { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

import type { Anchor } from '../x509/path.ts'
import type { ServerTls, TlsMaterial } from '../x509/tls-material.ts'
import type { TlsOptions } from '../x509/tls-options.ts'
import { checkAuthorities } from './check-authorities.ts'
import { checkRevocationLists } from './check-revocation-lists.ts'
import { checkServerCertificate } from './check-server-certificate.ts'
import type { Present } from './present.ts'
import { readServerKey } from './server-key.ts'
import type { ServerKey } from './server-key.ts'
import type { Report } from './report.ts'

const secureVersions = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const

/** Null when a mistake was reported. */
export async function loadTlsMaterial(
  tls: TlsOptions, path: string, hosts: readonly string[], present: Present, report: Report,
): Promise<TlsMaterial | null> {
  const key = await readServerKey(tls, path, report)
  const chain = await checkServerCertificate(tls.certfile, path, { key, hosts, ...present }, report)
  const authorities = tls.cacertfile === undefined ? null : await checkAuthorities(tls.cacertfile, `${path}.cacertfile`, present, report)
  const revocation = authorities === null ? null : await checkRevocationLists(tls, path, authorities.anchors, present, report)
  const trust = tls.verify_mode === 'none' || authorities === null ? null : { anchors: authorities.anchors, revocation }
  const server = serverTlsOf(tls, path, { key, chain, authorities: trust?.anchors ?? null }, report)
  const read = { authorities: authorities?.certificates ?? [], revocationLists: revocation?.lists ?? [] }
  return report.sound(path) ? { server, trust, read } : null
}

interface Parts { readonly key: ServerKey | null, readonly chain: readonly X509Certificate[] | null, readonly authorities: readonly Anchor[] | null }

/** Null where no certificate is named, and when a mistake was reported. */
function serverTlsOf(tls: TlsOptions, path: string, { key, chain, authorities }: Parts, report: Report): ServerTls | null {
  const versions = tls.versions.map(version => secureVersions[version]).toSorted()
  const [minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3'] = [versions.at(0), versions.at(-1)]
  const ciphers = tls.ciphers ?? null
  checkCiphers(ciphers, { minVersion, maxVersion }, path, report)
  if (key === null || chain === null || !report.sound(path)) return null
  const caPem = authorities === null ? null : authorities.map(({ opened }) => opened.toString()).join('')
  const material = { certChainPem: pemOf(chain), keyPem: key.pem, passphrase: key.passphrase, caPem, minVersion, maxVersion, ciphers }
  return acceptedByOpenSsl(material, key, path, report) ? material : null
}

/** Written anew from what was parsed, so that nothing else of the file reaches OpenSSL. */
const pemOf = (certificates: readonly X509Certificate[]) => certificates.map(String).join('')

type Versions = Pick<ServerTls, 'minVersion' | 'maxVersion'>

function checkCiphers(ciphers: string | null, versions: Versions, path: string, report: Report): void {
  if (ciphers === null) return
  try {
    createSecureContext({ ciphers, ...versions })
  } catch {
    report.mistake(`${path}.ciphers`, {
      found: 'a cipher list of which OpenSSL knows nothing', allowed: 'an OpenSSL cipher list such as "ECDHE+AESGCM:ECDHE+CHACHA20"',
      remedy: 'Correct it, or remove the key: the ciphers of Node.js are good.',
    })
  }
}

/** What is left is OpenSSL's own policy, for instance on key sizes. Its reason names an error, never a content. */
function acceptedByOpenSsl(material: ServerTls, key: ServerKey, path: string, report: Report): boolean {
  const { certChainPem, caPem, minVersion, maxVersion, ciphers } = material
  try {
    createSecureContext({
      cert: certChainPem, key: key.pem, minVersion, maxVersion,
      ...(key.passphrase === null ? {} : { passphrase: key.passphrase }), ...(caPem === null ? {} : { ca: caPem }),
      ...(ciphers === null ? {} : { ciphers }),
    })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'
    report.mistake(path, {
      found: `certificate and key that OpenSSL does not take (${code})`, allowed: 'RSA of 2048 bits or more, EC P-256 or stronger, Ed25519',
      remedy: 'Make a new key and certificate.',
    })
    return false
  }
}
