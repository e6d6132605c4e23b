/** Text of strangers made harmless to look at: a certificate's names are chosen by whoever made it, and land in terminals and pages. */

/** Characters. Names and reasons are far shorter; nobody reads more. */
const maxLength = 400

/** Controls, invisible and direction-changing characters, line separators, broken surrogates: they mislead a terminal or a reader. */
const misleading = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** What would not be seen is written as `\u{…}`, and what is too long is cut. */
export function visible(text: string): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…` : text
  return short.replace(misleading, character => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`)
}
