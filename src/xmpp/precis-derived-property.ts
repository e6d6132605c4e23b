/**
 * The PRECIS derived property of a code point (RFC 8264 §8, categories of §9), computed from the engine's own Unicode tables.
 * A code point is passed as a string of exactly one code point, the way `for … of` yields it.
 */
import { contextRulesAllow } from './precis-context-rules.ts'

/** `FREE_PVAL` abbreviates "ID_DIS or FREE_PVAL", as RFC 8264 §8 does. */
export type DerivedProperty = 'PVALID' | 'FREE_PVAL' | 'CONTEXTJ' | 'CONTEXTO' | 'DISALLOWED' | 'UNASSIGNED'
export type StringClass = 'IdentifierClass' | 'FreeformClass'

// Exceptions (F), RFC 8264 §9.6. BackwardCompatible (G), §9.7, is the empty set.
const EXCEPTION_CONTEXTO = /[\u00B7\u0375\u05F3\u05F4\u30FB\u0660-\u0669\u06F0-\u06F9]/u
const EXCEPTION_PVALID = /[\u00DF\u03C2\u06FD\u06FE\u0F0B\u3007]/u
const EXCEPTION_DISALLOWED = /[\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B]/u
const EXCEPTION_SETS = [EXCEPTION_CONTEXTO, EXCEPTION_PVALID, EXCEPTION_DISALLOWED].map(set => set.source).join('')
const EXCEPTION = new RegExp(`[${EXCEPTION_SETS}]`, 'v')

/** Unassigned (J), §9.10: a noncharacter is also `Cn`, but is judged by category M; both answers are refusals. */
const UNASSIGNED = /[\p{Cn}--\p{Noncharacter_Code_Point}]/v
/** OldHangulJamo (I), §9.9: Hangul_Syllable_Type L, V or T; the blocks below are made of nothing else (and of unassigned code points). */
const OLD_HANGUL_JAMO = /[\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7C6\uD7CB-\uD7FB]/u
/** PrecisIgnorableProperties (M), §9.13, and Controls (L), §9.12 (errata 5478: General_Category Cc). */
const IGNORABLE_OR_CONTROL = /[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Cc}]/u
/** LetterDigits (A), §9.1. */
const LETTER_DIGIT = /[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]/u
/** OtherLetterDigits (R), Spaces (N), Symbols (O), Punctuation (P): §9.14 to §9.18; the four share one answer. */
const FREEFORM_ONLY = /[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]/u
/** A superset of HasCompat that costs one table look-up: whatever NFKC changes, NFKC_Casefold changes too. */
const MAY_HAVE_COMPAT = /\p{Changes_When_NFKC_Casefolded}/u
/** IDNA's IgnorableBlocks (D), RFC 5892 §2.4: marks for symbols, musical symbols, ancient Greek musical notation. */
const IGNORABLE_BLOCK = /[\u20D0-\u20FF\u{1D100}-\u{1D24F}]/u

/**
 * One scan finds most conforming texts: these look for anything but code points of A (and R, N, O, P) of which no earlier category
 * in the order of §8 can be the first to match. Whatever they find is judged code point by code point.
 */
const EARLIER = String.raw`${EXCEPTION_SETS}\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7FB`
  + String.raw`\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Cc}\p{Changes_When_NFKC_Casefolded}`
const NOT_PLAINLY_IDENTIFIER = new RegExp(String.raw`[^[[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]--[${EARLIER}]]\x21-\x7E]`, 'v')
const NOT_PLAINLY_FREEFORM = new RegExp(
  String.raw`[^[[\p{L}\p{M}\p{N}\p{Zs}\p{S}\p{P}]--[${EARLIER}]]\x20-\x7E]`, 'v')

/** HasCompat (Q), §9.17: toNFKC(cp) != cp. */
const hasCompat = (codePoint: string) => MAY_HAVE_COMPAT.test(codePoint) && codePoint.normalize('NFKC') !== codePoint

function exception(codePoint: string): DerivedProperty {
  if (EXCEPTION_CONTEXTO.test(codePoint)) return 'CONTEXTO'
  return EXCEPTION_PVALID.test(codePoint) ? 'PVALID' : 'DISALLOWED'
}

/** The order of the tests is normative (RFC 8264 §8: "implementations MUST NOT modify the order of operations"). */
export function precisProperty(codePoint: string): DerivedProperty {
  if (codePoint >= '!' && codePoint <= '~' && codePoint.length === 1) return 'PVALID' // ASCII7 (K), §9.11: no category before it has ASCII
  if (EXCEPTION.test(codePoint)) return exception(codePoint)
  if (UNASSIGNED.test(codePoint)) return 'UNASSIGNED'
  if (codePoint === '\u200C' || codePoint === '\u200D') return 'CONTEXTJ' // JoinControl (H), §9.8
  if (OLD_HANGUL_JAMO.test(codePoint) || IGNORABLE_OR_CONTROL.test(codePoint)) return 'DISALLOWED'
  if (hasCompat(codePoint)) return 'FREE_PVAL'
  if (LETTER_DIGIT.test(codePoint)) return 'PVALID'
  return FREEFORM_ONLY.test(codePoint) ? 'FREE_PVAL' : 'DISALLOWED' // surrogates, private use, line separators, format characters
}

/** The IDNA2008 derived property (RFC 5892 §3), in the order given there, for everything but capital ASCII letters. */
export function idnaProperty(codePoint: string): Exclude<DerivedProperty, 'FREE_PVAL'> {
  if (codePoint < '\u0080') return /[a-z0-9-]/.test(codePoint) ? 'PVALID' : 'DISALLOWED' // LDH, §2.5; other ASCII is no letter or digit
  if (EXCEPTION.test(codePoint)) return exception(codePoint) as Exclude<DerivedProperty, 'FREE_PVAL'>
  if (UNASSIGNED.test(codePoint)) return 'UNASSIGNED'
  if (codePoint === '\u200C' || codePoint === '\u200D') return 'CONTEXTJ'
  // Unstable, §2.2, is cp != NFKC(casefold(NFKC(cp))). NFKC_Casefold also deletes default ignorables, which §2.3 disallows anyway.
  if (MAY_HAVE_COMPAT.test(codePoint) || IGNORABLE_OR_CONTROL.test(codePoint)) return 'DISALLOWED'
  if (IGNORABLE_BLOCK.test(codePoint) || OLD_HANGUL_JAMO.test(codePoint)) return 'DISALLOWED'
  return LETTER_DIGIT.test(codePoint) ? 'PVALID' : 'DISALLOWED'
}

/**
 * RFC 8264 §8: a code point under a contextual rule is valid only when "positively confirmed" by it. The rules are asked once per
 * text, after the table, so that the time stays linear.
 */
function everyCodePointAllowed(text: string, propertyOf: (codePoint: string) => DerivedProperty, isFreeform: boolean): boolean {
  let isContextual = false
  for (const codePoint of text) {
    const property = propertyOf(codePoint)
    if (property === 'CONTEXTJ' || property === 'CONTEXTO') isContextual = true
    else if (property !== 'PVALID' && !(isFreeform && property === 'FREE_PVAL')) return false
  }
  return !isContextual || contextRulesAllow(text)
}

/** Whether every code point is allowed by the string class (RFC 8264 §4.2, §4.3). */
export function conformsTo(stringClass: StringClass, text: string): boolean {
  const isFreeform = stringClass === 'FreeformClass'
  if (!(isFreeform ? NOT_PLAINLY_FREEFORM : NOT_PLAINLY_IDENTIFIER).test(text)) return true
  return everyCodePointAllowed(text, precisProperty, isFreeform)
}

/** Whether every code point is allowed in a U-label (RFC 5892 §3); lower-case ASCII only. */
export const conformsToIdna = (label: string): boolean => everyCodePointAllowed(label, idnaProperty, false)
