/** HTML as a template that escapes: what is not itself made by it cannot become markup. */

/** Markup, which goes into other markup as it is: made by `html`, and of constants. */
export class Html {
  readonly #markup: string
  constructor(markup: string) { this.#markup = markup }
  toString(): string { return this.#markup }
}

type Content = Html | string | number | null | readonly Content[]

/** Escaped for text and for attributes in double quotes; null is nothing. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(strings.map((string, index) => index === 0 ? string : markupOf(contents[index - 1] ?? null) + string).join(''))
}

function markupOf(content: Content): string {
  if (content === null) return ''
  if (content instanceof Html) return content.toString()
  if (typeof content === 'object') return content.map(markupOf).join('')
  return String(content).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
