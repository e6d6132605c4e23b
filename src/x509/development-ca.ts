// A small certificate authority for development: a CA, server certificates, and client certificates with xmppAddrs (RFC 6120 §13.7.1).
// Not for production: its key lies unencrypted beside everything else.
import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { promisify } from 'node:util'
import { isFull, localpartOf, parseJid } from '../xmpp/jid.ts'
import { authorityConstraints, authorityKeyIdentifier, dnsName, extendedKeyUsageExtension, ipAddressName, keyIdentifierOf, keyUsageExtension,
  leafConstraints, nameOf, subjectAltNames, subjectKeyIdentifier, writeCertificate, xmppAddrName } from './certificate-writer.ts'
import { pem } from './der-writer.ts'
import { IssueError, openAuthority } from './authority.ts'
import { oid } from './object-identifiers.ts'

export type DevelopmentKey = 'ec' | 'rsa'

export interface IssuedCertificate { readonly certificatePem: string, readonly privateKeyPem: string }

interface Validity {
  /** From `now` on; a leaf never outlives its authority. */
  readonly days: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface AuthorityRequest extends Validity { readonly commonName: string, readonly key?: DevelopmentKey, readonly privateKeyPem?: string }
interface LeafRequest extends Validity {
  readonly ca: IssuedCertificate
  readonly key?: DevelopmentKey
  /** Take this key (PKCS #8) instead of making one. */
  readonly privateKeyPem?: string
}
export interface ServerRequest extends LeafRequest { readonly dnsNames: readonly string[], readonly ipAddresses: readonly string[] }
export interface ClientRequest extends LeafRequest { readonly xmppAddrs: readonly string[], readonly commonName: string | null }

const dayMs = 86_400_000
/** Clocks differ: valid a little before it was made. */
const backdatedMs = 300_000
const makeKeyPair = promisify(generateKeyPair)

/** RFC 5280 §4.1.2.2: positive, unique with all probability. */
const randomSerialNumber = () => randomBytes(16)

/** PKCS #8 PEM, not encrypted. */
export async function createPrivateKeyPem(kind: DevelopmentKey): Promise<string> {
  const { privateKey } = kind === 'rsa'
    ? await makeKeyPair('rsa', { modulusLength: 3072 })
    : await makeKeyPair('ec', { namedCurve: 'prime256v1' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' })
}

export async function createAuthority(request: AuthorityRequest): Promise<IssuedCertificate> {
  const privateKeyPem = request.privateKeyPem ?? await createPrivateKeyPem(request.key ?? 'ec')
  const privateKey = createPrivateKey(privateKeyPem)
  const name = nameOf(request.commonName)
  const der = writeCertificate({
    serialNumber: randomSerialNumber(), issuer: name, subject: name, publicKey: createPublicKey(privateKey),
    notBefore: request.now - backdatedMs, notAfter: request.now + request.days * dayMs,
    extensions: [authorityConstraints(), keyUsageExtension('keyCertSign', 'cRLSign'), subjectKeyIdentifier(privateKey),
      authorityKeyIdentifier(keyIdentifierOf(privateKey))],
  }, privateKey)
  return { certificatePem: pem('CERTIFICATE', der), privateKeyPem }
}

/** The PEM holds the leaf, then its authority. */
export async function issueServer(request: ServerRequest): Promise<IssuedCertificate> {
  const names = [...request.dnsNames.map(name => dnsName(domainToASCII(name))), ...request.ipAddresses.map(ipAddressName)]
  const leaf = await issueLeaf(request, request.dnsNames[0] ?? request.ipAddresses[0] ?? null, names, oid.serverAuth)
  return { ...leaf, certificatePem: leaf.certificatePem + request.ca.certificatePem }
}

export async function issueClient(request: ClientRequest): Promise<IssuedCertificate> {
  const names = [...new Set(request.xmppAddrs.map(preparedUser))].map(xmppAddrName)
  if (names.length === 0 && request.commonName === null) throw new IssueError('a client certificate needs an XMPP address or a common name')
  if (request.commonName !== null && !/^\P{Cc}{1,64}$/u.test(request.commonName)) {
    throw new IssueError('a common name has 1 to 64 characters, and no control characters') // RFC 5280 appendix A.1, ub-common-name
  }
  return issueLeaf(request, request.commonName, names, oid.clientAuth)
}

/** What the gateway would refuse in a certificate is not issued. */
function preparedUser(address: string): string {
  const jid = parseJid(address)
  if (jid === null || isFull(jid) || localpartOf(jid) === null) {
    throw new IssueError(`"${address.slice(0, 100)}" is not the address of a user: it should look like alice@example.org`)
  }
  return jid
}

async function issueLeaf(request: LeafRequest, commonName: string | null, names: readonly Uint8Array[], purpose: string):
Promise<IssuedCertificate> {
  if (!(request.days >= 1 && request.days <= 36_500)) throw new IssueError('a certificate is valid for 1 to 36500 days')
  const issuer = openAuthority(request.ca)
  if (issuer.notAfter <= request.now) throw new IssueError('the authority\'s certificate has expired')
  const privateKeyPem = request.privateKeyPem ?? await createPrivateKeyPem(request.key ?? 'ec')
  const publicKey = createPublicKey(privateKeyPem)
  const der = writeCertificate({
    serialNumber: randomSerialNumber(), issuer: issuer.name, subject: nameOf(commonName), publicKey,
    notBefore: request.now - backdatedMs, notAfter: Math.min(request.now + request.days * dayMs, issuer.notAfter),
    extensions: [leafConstraints(), keyUsageExtension('digitalSignature'), extendedKeyUsageExtension(purpose),
      ...names.length > 0 ? [subjectAltNames(names, commonName === null)] : [],
      subjectKeyIdentifier(publicKey), authorityKeyIdentifier(issuer.keyIdentifier)],
  }, issuer.privateKey)
  return { certificatePem: pem('CERTIFICATE', der), privateKeyPem }
}
