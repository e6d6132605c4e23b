/**
 * Contextual rules for code points that are valid only next to certain others (RFC 5892 appendix A), which PRECIS (RFC 8264 §8)
 * and IDNA share. Whatever no rule confirms is refused.
 */

/** The code point that ends before `offset`, or '' at the start. */
function before(text: string, offset: number): string {
  if (offset === 0) return ''
  const low = text.charCodeAt(offset - 1)
  const isPair = low >= 0xDC00 && low <= 0xDFFF && offset > 1
  return text.slice(offset - (isPair ? 2 : 1), offset)
}

const CLASS_8_MARK = '\u3099'
const CLASS_10_MARK = '\u05B0'

/**
 * Canonical_Combining_Class = Virama (9). The engine has no such property escape, but canonical ordering shows the class: after a
 * virama a mark of class 8 moves to the front, and a mark of class 10 before a virama moves behind it.
 */
function isVirama(mark: string): boolean {
  if (!/^\p{M}$/u.test(mark) || mark === CLASS_8_MARK || mark === CLASS_10_MARK) return false
  return (mark + CLASS_8_MARK).normalize('NFD') === CLASS_8_MARK + mark && (CLASS_10_MARK + mark).normalize('NFD') === mark + CLASS_10_MARK
}

// Joining_Type is not available either. These are the letters of the Arabic block (Arabic, Persian, Urdu, …). DEVIATION: beside a
// letter of another cursive script (Syriac, N'Ko, Mongolian, …) §A.1 would allow the non-joiner; here it is refused.
const DUAL_JOINING = '\u0620\u0626\u0628\u062A-\u062E\u0633-\u063F\u0641-\u0647\u0649\u064A\u066E\u066F\u0678-\u0687'
  + '\u069A-\u06BF\u06C1\u06C2\u06CC\u06CE\u06D0\u06D1\u06FA-\u06FC\u06FF'
const RIGHT_JOINING = '\u0622-\u0625\u0627\u0629\u062F-\u0632\u0648\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06C0\u06C3-\u06CB'
  + '\u06CD\u06CF\u06D2\u06D3\u06D5\u06EE\u06EF'
const JOINS_FORWARD = new RegExp(`[${DUAL_JOINING}]`, 'u')
const JOINS_BACKWARD = new RegExp(`[${DUAL_JOINING}${RIGHT_JOINING}]`, 'u')
const TRANSPARENT = /\p{Mn}/u

/** RFC 5892 §A.1, second branch: (Joining_Type:{L,D})(Joining_Type:T)* U+200C (Joining_Type:T)*(Joining_Type:{R,D}). */
function breaksCursiveJoin(text: string, offset: number): boolean {
  let left = offset - 1
  while (left >= 0 && TRANSPARENT.test(text.charAt(left))) left -= 1
  if (left < 0 || !JOINS_FORWARD.test(text.charAt(left))) return false
  let right = offset + 1
  while (right < text.length && TRANSPARENT.test(text.charAt(right))) right += 1
  return JOINS_BACKWARD.test(text.charAt(right))
}

/** The rules that look at the neighbours of the code point at `offset`. */
function neighboursAllow(text: string, offset: number): boolean {
  switch (text.charAt(offset)) {
    case '\u200C': return isVirama(before(text, offset)) || breaksCursiveJoin(text, offset) // §A.1 zero width non-joiner
    case '\u200D': return isVirama(before(text, offset)) // §A.2 zero width joiner
    case '\u00B7': return before(text, offset) === 'l' && text.charAt(offset + 1) === 'l' // §A.3 middle dot
    case '\u0375': return /^\p{Script=Greek}/u.test(text.slice(offset + 1, offset + 3)) // §A.4 keraia
    case '\u05F3': // §A.5 geresh
    case '\u05F4': return /\p{Script=Hebrew}/u.test(before(text, offset)) // §A.6 gershayim
    default: return false // RFC 8264 §8: "If such a code point is missing a rule, the string is invalid."
  }
}

/** Whether every context-dependent code point of the text (CONTEXTJ or CONTEXTO) stands where its rule allows it. */
export function contextRulesAllow(text: string): boolean {
  // §A.8, §A.9: Arabic-Indic and extended Arabic-Indic digits are not mixed.
  if (/[\u0660-\u0669]/.test(text) && /[\u06F0-\u06F9]/.test(text)) return false
  // §A.7: a katakana middle dot wants one character at least of a Japanese script.
  if (text.includes('\u30FB') && !/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(text)) return false
  for (const match of text.matchAll(/[\u00B7\u0375\u05F3\u05F4\u200C\u200D]/g)) {
    if (!neighboursAllow(text, match.index)) return false
  }
  return true
}
