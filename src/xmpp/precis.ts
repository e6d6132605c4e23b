/**
 * PRECIS profiles (RFC 8265): UsernameCaseMapped for localparts and user names, OpaqueString for resourceparts and passwords.
 * `null` means that the string does not conform; nothing is ever repaired beyond the mappings that the profile prescribes.
 */
import { isRightToLeft, satisfiesBidiRule } from './precis-bidi-rule.ts'
import { conformsTo } from './precis-derived-property.ts'

/** Maps fullwidth and halfwidth code points to their decompositions (RFC 8265 §3.3.1, width mapping rule). */
export const mapWidth = (text: string): string =>
  // Where NFKC goes further than the decomposition (U+FFE3, halfwidth jamo), both results are disallowed in identifiers and labels.
  text.replace(/[\u3000\uFF01-\uFFEE]/g, codePoint => codePoint.normalize('NFKC'))

/**
 * Unicode toLowerCase, code point by code point, so that "the PRECIS mapping rules do not account for the special status of"
 * final sigma (RFC 8265 §3.5): a capital sigma becomes σ wherever it stands. U+0130 becomes i and U+0307, in every locale.
 */
export const mapCase = (text: string): string =>
  text.replace(/\p{Changes_When_Lowercased}/gu, codePoint => codePoint.toLowerCase())

/** One application of the rules of RFC 8265 §3.3 in the order of §3.3.2 and §3.3.3. */
function applyUsernameCaseMapped(text: string): string | null {
  const prepared = mapWidth(text)
  if (!conformsTo('IdentifierClass', prepared)) return null
  const normalized = mapCase(prepared).normalize('NFC')
  return isRightToLeft(normalized) && !satisfiesBidiRule(normalized) ? null : normalized
}

/** One application of the rules of RFC 8265 §4.2: non-ASCII spaces become SPACE, then NFC; case, width and direction stay. */
function applyOpaqueString(text: string): string | null {
  return conformsTo('FreeformClass', text) ? text.replace(/\p{Zs}/gu, ' ').normalize('NFC') : null
}

/**
 * Normalization sorts each run of combining marks, in time that grows with the square of the run. UAX #15 §12.1 (Stream-Safe Text
 * Format) knows no text with more than 30 in a row; a longer run is refused before anything is normalized.
 */
export const isStreamSafe = (text: string): boolean => !/\p{M}{31}/u.test(text)

/** RFC 8265 §5: applied until the output is stable, three additional times at most. Zero-length results are refused. */
function enforce(apply: (text: string) => string | null, input: string): string | null {
  if (!input.isWellFormed() || !isStreamSafe(input)) return null
  let text = input
  for (let application = 0; application < 4; application += 1) {
    const output = apply(text)
    if (output === null || output === '') return null
    if (output === text) return output
    text = output
  }
  return null
}

export const enforceUsernameCaseMapped = (input: string): string | null => enforce(applyUsernameCaseMapped, input)
export const enforceOpaqueString = (input: string): string | null => enforce(applyOpaqueString, input)
