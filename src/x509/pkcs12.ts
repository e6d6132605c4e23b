// PKCS #12 (RFC 7292) files as browsers, mail programs and XMPP clients import them: key and certificates under PBES2 (RFC 8018 §6.2;
// PBKDF2 with HMAC-SHA-256, AES-256-CBC), the whole under an HMAC-SHA-256. Everything that OpenSSL 3 and NSS read without legacy settings.
import { createCipheriv, createHmac, createPrivateKey, hash, pbkdf2Sync, randomBytes, X509Certificate } from 'node:crypto'
import { bmpString, explicit, implicit, integer, nothing, objectIdentifier, octetString, sequence, setOf, utf16BigEndian } from './der-writer.ts'
import { oid } from './object-identifiers.ts'

export interface Pkcs12Contents {
  /** PEM; the first certificate in it is taken. */
  readonly certificate: string
  /** PEM, not encrypted. */
  readonly privateKey: string
  /** PEM of the authorities, nearest first. */
  readonly chain: readonly string[]
  /** Not empty: NSS and others disagree about what an empty one is. */
  readonly password: string
  /** What certificate stores list it as. */
  readonly friendlyName: string
}

/** Both key derivations; OpenSSL's default is 2,048, NSS accepts up to 600,000. */
const iterations = 20_000

/** The bytes of the file. */
export function pkcs12({ certificate, privateKey, chain, password, friendlyName }: Pkcs12Contents): Uint8Array {
  if (password === '') throw new TypeError('a PKCS #12 file needs a password')
  const leaf = new X509Certificate(certificate).raw
  const key = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' })
  // The same two attributes on both bags tie key and certificate together.
  const attributes = setOf(
    sequence(objectIdentifier(oid.localKeyId), setOf(octetString(hash('sha1', leaf, 'buffer')))),
    sequence(objectIdentifier(oid.friendlyName), setOf(bmpString(friendlyName))),
  )
  const certificates = sequence(certificateBag(leaf, attributes), ...chain.map(authority => certificateBag(new X509Certificate(authority).raw)))
  const encryptedKey = encrypt(key, password)
  const keys = sequence(sequence(objectIdentifier(oid.shroudedKeyBag),
    explicit(0, sequence(encryptedKey.algorithm, octetString(encryptedKey.content))), attributes))
  const authenticatedSafe = sequence(encryptedContent(certificates, password), dataContent(keys))
  return sequence(integer(3), dataContent(authenticatedSafe), macData(authenticatedSafe, password))
}

/** RFC 7292 §4.2.3. */
function certificateBag(der: Uint8Array, ...attributes: readonly Uint8Array[]): Uint8Array {
  const value = sequence(objectIdentifier(oid.x509CertificateType), explicit(0, octetString(der)))
  return sequence(objectIdentifier(oid.certificateBag), explicit(0, value), ...attributes)
}

const dataContent = (content: Uint8Array) => sequence(objectIdentifier(oid.pkcs7Data), explicit(0, octetString(content)))

/** RFC 2315 §13: EncryptedData, version 0. */
function encryptedContent(content: Uint8Array, password: string): Uint8Array {
  const encrypted = encrypt(content, password)
  return sequence(objectIdentifier(oid.pkcs7EncryptedData), explicit(0, sequence(integer(0),
    sequence(objectIdentifier(oid.pkcs7Data), encrypted.algorithm, implicit(0, encrypted.content)))))
}

function encrypt(content: Uint8Array, password: string): { readonly algorithm: Uint8Array, readonly content: Uint8Array } {
  const salt = randomBytes(16)
  const initialisationVector = randomBytes(16)
  const keyLength = 32
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(Buffer.from(password), salt, iterations, keyLength, 'sha256'), initialisationVector)
  const derivation = sequence(objectIdentifier(oid.pbkdf2), sequence(octetString(salt), integer(iterations), integer(keyLength),
    sequence(objectIdentifier(oid.hmacWithSha256), nothing())))
  const scheme = sequence(objectIdentifier(oid.aes256Cbc), octetString(initialisationVector))
  return {
    algorithm: sequence(objectIdentifier(oid.pbes2), sequence(derivation, scheme)),
    content: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

function macData(content: Uint8Array, password: string): Uint8Array {
  const salt = randomBytes(16)
  const mac = createHmac('sha256', deriveMacKey(password, salt)).update(content).digest()
  const digestInfo = sequence(sequence(objectIdentifier(oid.sha256), nothing()), octetString(mac))
  return sequence(digestInfo, octetString(salt), integer(iterations))
}

/** RFC 7292 appendix B.2 with ID 3 and SHA-256. One output block is as long as the key, so the steps for more of them fall away. */
function deriveMacKey(password: string, salt: Uint8Array): Buffer {
  const blockLength = 64
  const macKeyPurpose = 3
  const fill = (source: Uint8Array) => {
    const block = Buffer.alloc(Math.ceil(source.length / blockLength) * blockLength)
    for (let at = 0; at < block.length; at++) block[at] = source[at % source.length] ?? 0
    return block
  }
  // Appendix B.1: a BMPString with its terminating NUL.
  const start = Buffer.concat([Buffer.alloc(blockLength, macKeyPurpose), fill(salt), fill(utf16BigEndian(`${password}\0`))])
  let digest = hash('sha256', start, 'buffer')
  for (let round = 1; round < iterations; round++) digest = hash('sha256', digest, 'buffer')
  return digest
}
