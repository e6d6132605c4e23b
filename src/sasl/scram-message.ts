/** The messages of SCRAM (RFC 5802 §5, §7): strictly read, and written. Nothing is decided here. */

import { decodePayload, decodeText } from './payload.ts'

/** What the client says of channel binding (§6). */
export type BindingFlag =
  /** It cannot. */
  | { readonly kind: 'n' }
  /** It could, and believes that the server cannot. */
  | { readonly kind: 'y' }
  | { readonly kind: 'p', readonly type: string }

export interface ClientFirst {
  readonly flag: BindingFlag
  /** As it came, both commas included: what `c=` repeats later. */
  readonly gs2Header: string
  /** Decoded; empty for none. */
  readonly authzid: string
  /** Decoded; not prepared. */
  readonly username: string
  readonly nonce: string
  /** client-first-message-bare. */
  readonly bare: string
}

export interface ClientFinal {
  /** The GS2 header and the channel binding data. */
  readonly channelBinding: Uint8Array
  readonly nonce: string
  readonly proof: Uint8Array
  readonly withoutProof: string
}

/** Why a message cannot be read: words for the log and the person, without anything of the message. */
export class ScramMessageError extends Error {
  override readonly name = 'ScramMessageError'
}

const refuse = (why: string): never => { throw new ScramMessageError(why) }

/** Throws ScramMessageError. */
export function readClientFirst(bytes: Uint8Array): ClientFirst {
  const message = readText(bytes)
  const [flagText = '', authzidText, ...attributes] = message.split(',')
  const flag = readFlag(flagText)
  if (authzidText === undefined) return refuse('the GS2 header has no end')
  const authzid = authzidText === '' ? '' : readName(valueOf('a', authzidText))
  const gs2Header = `${flagText},${authzidText},`
  const [first, second, ...extensions] = attributes
  // §5.1: a mandatory extension; none is known.
  if (first?.startsWith('m=') === true) return refuse('the message demands an extension that there is not')
  const username = readName(valueOf('n', first))
  const nonce = valueOf('r', second)
  // §7: printable = %x21-2B / %x2D-7E
  if (!/^[\x21-\x2B\x2D-\x7E]+$/.test(nonce)) return refuse('the nonce is not printable')
  checkExtensions(extensions, ['m', 'n', 'r', 'a'])
  return { flag, gs2Header, authzid, username, nonce, bare: message.slice(gs2Header.length) }
}

/** Throws ScramMessageError. */
export function readClientFinal(bytes: Uint8Array): ClientFinal {
  const message = readText(bytes)
  const attributes = message.split(',')
  const [bindingText, nonceText, ...extensions] = attributes
  const proofText = extensions.pop()
  const channelBinding = readBase64(valueOf('c', bindingText))
  const nonce = valueOf('r', nonceText)
  const proof = readBase64(valueOf('p', proofText))
  checkExtensions(extensions, ['m', 'c', 'r', 'p'])
  return { channelBinding, nonce, proof, withoutProof: message.slice(0, message.lastIndexOf(',')) }
}

export interface ServerFirst {
  /** The client's and ours. */
  readonly nonce: string
  readonly salt: Uint8Array
  readonly iterations: number
  /** XEP-0474; null for none. */
  readonly downgradeHash: string | null
}

export const writeServerFirst = ({ nonce, salt, iterations, downgradeHash }: ServerFirst): string =>
  `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}${downgradeHash === null ? '' : `,h=${downgradeHash}`}`

export const writeServerFinal = (signature: Uint8Array): string => `v=${Buffer.from(signature).toString('base64')}`

function readText(bytes: Uint8Array): string {
  const text = decodeText(bytes) ?? refuse('the message is not UTF-8')
  // §7: value-char = any UTF-8 but NUL, "=" and ","
  return text.includes('\0') ? refuse('the message has a NUL in it') : text
}

function readFlag(text: string): BindingFlag {
  if (text === 'n' || text === 'y') return { kind: text }
  // §7: cb-name = 1*(ALPHA / DIGIT / "." / "-")
  const [, type] = /^p=([A-Za-z0-9.-]+)$/.exec(text) ?? []
  return type === undefined ? refuse('the channel binding flag is neither n nor y nor p') : { kind: 'p', type }
}

function valueOf(attribute: string, text: string | undefined): string {
  if (text?.startsWith(`${attribute}=`) !== true) return refuse(`the attribute ${attribute} is not where it should be`)
  return text.length > 2 ? text.slice(2) : refuse(`the attribute ${attribute} is empty`)
}

/** §5.1: a comma is written =2C and an equals sign =3D; any other equals sign fails the authentication. */
function readName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) return refuse('a name has an equals sign that is not written =3D')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function readBase64(text: string): Uint8Array {
  const bytes = decodePayload(text)
  return bytes === null || bytes === 'incorrect-encoding' || bytes.length === 0 ? refuse('a value is not base64') : bytes
}

/** §5.1: unknown optional attributes are ignored, as long as they are attributes, and not those that have their place elsewhere. */
function checkExtensions(extensions: readonly string[], taken: readonly string[]): void {
  for (const extension of extensions) {
    if (!/^[A-Za-z]=[^]/.test(extension)) refuse('an extension is not an attribute')
    if (taken.includes(extension.charAt(0))) refuse(`the attribute ${extension.charAt(0)} is out of place`)
  }
}
