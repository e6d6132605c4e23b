// The files of the development authority: made when absent, never overwritten. Safe against other processes that do the same at the same
// time, and against being stopped half-way, without a lock: a key file is created first, and whoever finds a key makes a certificate for it.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { localpartOf, parseJid } from '../xmpp/jid.ts'
import { IssueError } from './authority.ts'
import { createAuthority, createPrivateKeyPem, issueClient, issueServer } from './development-ca.ts'
import type { DevelopmentKey, IssuedCertificate } from './development-ca.ts'
import { createFile } from './create-file.ts'
import { pkcs12 } from './pkcs12.ts'

/** For people to type when they import a .p12. No secret: the unencrypted key lies beside it. */
export const developmentPassword = 'meerkat'

export interface DevelopmentRequest {
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Bare JIDs that get a client certificate each. */
  readonly users?: readonly string[]
  /** Of the .p12 files. */
  readonly password?: string
}

export interface DevelopmentFiles {
  /** Names of the files made just now, in the folder. */
  readonly made: readonly string[]
  /** Why some are missing and were not made; null when all are there. */
  readonly notMade: string | null
}

const reservedNames: readonly string[] = ['ca', 'server']
const authorityDays = 3650
/** Browsers refuse server certificates valid for more than 398 days. */
const leafDays = 397

export async function ensureDevelopmentCertificates(request: DevelopmentRequest): Promise<DevelopmentFiles> {
  const { folder, now, password = developmentPassword } = request
  const { dnsNames = ['localhost'], ipAddresses = ['127.0.0.1', '::1'], users = ['alice@localhost', 'bob@localhost'] } = request
  await mkdir(folder, { recursive: true })
  const present = new Set(await readdir(folder))
  const wanted = ['ca.crt', 'server.crt', 'server.key', ...users.flatMap(user => [`${fileNameOf(user)}.crt`, `${fileNameOf(user)}.p12`])]
  if (wanted.every(name => present.has(name))) return { made: [], notMade: null } // the authority's key may be out of reach then
  const made: string[] = []
  const ca = await ensureAuthority(folder, now, made)
  if (typeof ca === 'string') return { made, notMade: ca }
  await ensurePair(folder, 'server', 'ec', made, privateKeyPem =>
    issueServer({ ca, dnsNames, ipAddresses, days: leafDays, now, privateKeyPem }))
  for (const user of users) {
    const name = fileNameOf(user)
    const client = await ensurePair(folder, name, 'ec', made, privateKeyPem =>
      issueClient({ ca, xmppAddrs: [user], commonName: commonNameOf(user), days: leafDays, now, privateKeyPem }))
    if (client === null || !belongTogether(client) || await readIfPresent(join(folder, `${name}.p12`)) !== null) continue
    await create(folder, `${name}.p12`, pkcs12File(client, ca, password, user), made)
  }
  return { made, notMade: null }
}

export interface IssueRequest {
  readonly folder: string
  readonly now: number
  /** Bare JIDs; may be empty where there is a common name. */
  readonly xmppAddrs: readonly string[]
  /** Default: the first address. */
  readonly commonName?: string
  readonly key?: DevelopmentKey
  readonly days?: number
  /** Makes a .p12 too, with this password. */
  readonly p12Password?: string
  /** Of the files, without an ending. Default: the localpart of the first address, or the common name. */
  readonly fileName?: string
}

export interface IssuedFiles {
  /** Names of the files made, in the folder; those of a new authority come first. */
  readonly made: readonly string[]
  /** NAME.crt, NAME.key and perhaps NAME.p12 have this name. */
  readonly fileName: string
}

/** The work of `meerkat cert issue`. Throws IssueError, with a message for people, when it cannot be done; then nothing of it is left. */
export async function issueToFolder(request: IssueRequest): Promise<IssuedFiles> {
  const { folder, now, xmppAddrs, p12Password } = request
  const holder = xmppAddrs[0] ?? request.commonName
  if (holder === undefined) throw new IssueError('say for whom: an address such as alice@localhost, or a common name')
  if (p12Password === '') throw new IssueError('the .p12 file needs a password')
  const fileName = request.fileName ?? fileNameOf(holder)
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}._-]*$/u.test(fileName)) throw new IssueError(`"${fileName.slice(0, 100)}" cannot be the name of a file`)
  if (reservedNames.includes(fileName)) throw new IssueError(`"${fileName}" is kept for the files of the ${fileName}; choose another file name`)
  const names = [`${fileName}.key`, `${fileName}.crt`, ...p12Password === undefined ? [] : [`${fileName}.p12`]]
  for (const name of names) {
    if (await readIfPresent(join(folder, name)) !== null) throw new IssueError(`${join(folder, name)} is already there; nothing is overwritten`)
  }
  await mkdir(folder, { recursive: true })
  const made: string[] = []
  const ca = await ensureAuthority(folder, now, made)
  if (typeof ca === 'string') throw new IssueError(ca)
  const commonName = request.commonName ?? commonNameOf(holder)
  const client = await issueClient({ ca, xmppAddrs, commonName, days: request.days ?? leafDays, key: request.key ?? 'ec', now })
  const contents = [client.privateKeyPem, client.certificatePem,
    ...p12Password === undefined ? [] : [pkcs12File(client, ca, p12Password, holder)]]
  for (const [index, name] of names.entries()) {
    if (await create(folder, name, contents[index] ?? '', made)) continue
    for (const earlier of names.slice(0, index)) await unlink(join(folder, earlier))
    throw new IssueError(`${join(folder, name)} has just been made by another process; nothing is overwritten`)
  }
  return { made, fileName }
}

/** The authority, or why there is none that can issue. */
async function ensureAuthority(folder: string, now: number, made: string[]): Promise<IssuedCertificate | string> {
  const ca = await ensurePair(folder, 'ca', 'ec', made, privateKeyPem =>
    createAuthority({ commonName: 'Meerkat development CA', days: authorityDays, now, privateKeyPem }))
  return ca ?? `${join(folder, 'ca.crt')} is there without ca.key, so nothing can be issued with it`
}

/** NAME.key and NAME.crt; null where there is a certificate whose key is kept elsewhere. */
async function ensurePair(folder: string, name: string, kind: DevelopmentKey, made: string[],
  issue: (privateKeyPem: string) => Promise<IssuedCertificate>): Promise<IssuedCertificate | null> {
  const [keyFile, certificateFile] = [`${name}.key`, `${name}.crt`]
  let privateKeyPem = await readIfPresent(join(folder, keyFile))
  if (privateKeyPem === null) {
    if (await readIfPresent(join(folder, certificateFile)) !== null) return null
    await create(folder, keyFile, await createPrivateKeyPem(kind), made)
    privateKeyPem = await readFile(join(folder, keyFile), 'utf8') // ours, or that of a process that was faster
  }
  if (await readIfPresent(join(folder, certificateFile)) === null) {
    await create(folder, certificateFile, (await issue(privateKeyPem)).certificatePem, made)
  }
  return { certificatePem: await readFile(join(folder, certificateFile), 'utf8'), privateKeyPem }
}

/** Files that were brought along may be of two different pairs; start-up says so, and no .p12 is made of them. */
function belongTogether({ certificatePem, privateKeyPem }: IssuedCertificate): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))
}

async function create(folder: string, name: string, content: string | Uint8Array, made: string[]): Promise<boolean> {
  const isNew = await createFile(join(folder, name), content, name.endsWith('.crt') ? 0o644 : 0o600)
  if (isNew) made.push(name)
  return isNew
}

function pkcs12File(client: IssuedCertificate, ca: IssuedCertificate, password: string, friendlyName: string): Uint8Array {
  return pkcs12({ certificate: client.certificatePem, privateKey: client.privateKeyPem, chain: [ca.certificatePem], password, friendlyName })
}

function fileNameOf(holder: string): string {
  const jid = parseJid(holder)
  return ((jid === null ? null : localpartOf(jid)) ?? holder).replaceAll(/[^\p{L}\p{N}._-]/gu, '_').replace(/^[.-]/, '_')
}

/** RFC 5280 appendix A.1, ub-common-name: 64 characters. The address is in the xmppAddr in any case. */
const commonNameOf = (holder: string) => holder.length <= 64 ? holder : null

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
