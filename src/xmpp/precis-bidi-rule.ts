/**
 * The Bidi Rule (RFC 5893 §2) for strings whose code points have passed the IdentifierClass or the IDNA tables. JavaScript has no
 * Bidi_Class escape; right-to-left letters are told by the ranges for which Unicode fixes the class R or AL in advance.
 */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u
/** NSM: every non-spacing mark but those few that Unicode gives class L. */
const NONSPACING_MARK = /[\p{Mn}--[\u0CBF\u0CC6\u{11A07}\u{11A08}\u{11C3F}]]/v
const ARABIC_NUMBER = /[\u0660-\u0669\u{10D30}-\u{10D39}]/u
const EUROPEAN_NUMBER = /[0-9\u06F0-\u06F9]/
/** ON, ES, CS, ET and BN as far as they can occur here: ASCII punctuation, joiners, contextual punctuation, modifier letters. */
const NEUTRAL = /[!-\/:-@\[-`\{-~\u00B7\u02B9\u02BA\u02C6-\u02CF\u02EC\u0375\u200C\u200D\u2E2F\u30FB\uA67F\uA717-\uA71F\uA788]/u

type Direction = 'NSM' | 'AN' | 'EN' | 'R' | 'neutral' | 'L'

function directionOf(codePoint: string): Direction {
  if (NONSPACING_MARK.test(codePoint)) return 'NSM'
  if (ARABIC_NUMBER.test(codePoint)) return 'AN'
  if (EUROPEAN_NUMBER.test(codePoint)) return 'EN'
  if (RIGHT_TO_LEFT.test(codePoint)) return 'R'
  return NEUTRAL.test(codePoint) ? 'neutral' : 'L'
}

/** Whether a string has right-to-left code points: RFC 5893 §1.4, class R, AL or AN. */
export function isRightToLeft(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return false
  for (const codePoint of text) {
    const direction = directionOf(codePoint)
    if (direction === 'R' || direction === 'AN') return true
  }
  return false
}

/** The six conditions of RFC 5893 §2. For a left-to-right string it asks what is asked of such a label in a bidi domain name. */
export function satisfiesBidiRule(text: string): boolean {
  let first: Direction | undefined
  let last: Direction | undefined
  const seen = new Set<Direction>()
  for (const codePoint of text) {
    const direction = directionOf(codePoint)
    first ??= direction
    if (direction !== 'NSM') last = direction
    seen.add(direction)
  }
  // §2 condition 1: the first character is L, R or AL.
  if (first === 'R') {
    // Conditions 2, 3, 4: no L; ends in R, AL, EN or AN, then marks only; not both EN and AN.
    return !seen.has('L') && last !== 'neutral' && !(seen.has('EN') && seen.has('AN'))
  }
  // Conditions 5 and 6: no R, AL or AN; ends in L or EN, then marks only.
  return first === 'L' && !seen.has('R') && !seen.has('AN') && (last === 'L' || last === 'EN')
}
