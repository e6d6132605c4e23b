/** Spans of bytes: compared where they stand, decoded only when somebody asks. */
import { Buffer } from 'node:buffer'

/** Whether `bytes[start, end)` spells `ascii`. */
export function isAt(bytes: Uint8Array, start: number, end: number, ascii: string): boolean {
  if (end - start !== ascii.length) return false
  for (let index = 0; index < ascii.length; index++) if (bytes[start + index] !== ascii.charCodeAt(index)) return false
  return true
}

/** Whether two spans of `bytes` are the same. */
export function isSame(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  const length = end - start
  if (otherEnd - otherStart !== length) return false
  for (let index = 0; index < length; index++) if (bytes[start + index] !== bytes[otherStart + index]) return false
  return true
}

/** Whether `bytes[start, end)` spells `ascii` somewhere. */
export function isWithin(bytes: Uint8Array, start: number, end: number, ascii: string): boolean {
  return bufferOf(bytes).subarray(start, end).includes(ascii, 0, 'latin1')
}

/** `bytes` as a Buffer over the same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function textIn(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes).toString('utf8', start, end)
}

/** The same, for a span known to be ASCII. */
export function asciiIn(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes).toString('latin1', start, end)
}

/**
 * A number that differs for most different names, so that names are compared byte by byte only when it is equal. Whoever makes
 * names that collide gains nothing: the limits bound how many are ever compared.
 */
export function signatureOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  return length === 0 ? 0
    : length << 24 | (bytes[start] as number) << 16 | (bytes[start + (length >> 1)] as number) << 8 | (bytes[end - 1] as number)
}
