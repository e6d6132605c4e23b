/** In which form a visitor wants the report (RFC 9110 §12.5.1): browsers say text/html, curl says anything. */

export type Representation = 'html' | 'text' | 'json'

const representations: ReadonlyMap<string, Representation> = new Map([
  ['text/html', 'html'], ['application/xhtml+xml', 'html'], ['application/json', 'json'], ['text/plain', 'text'],
])

/** The named type of highest quality, the first of several; plain text where none of ours is named: `*\/*` is what curl says. */
export function preferredRepresentation(accept: string | undefined): Representation {
  let best: { readonly representation: Representation, readonly quality: number } | null = null
  for (const range of (accept ?? '').slice(0, 1_000).split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const representation = representations.get(type)
    const quality = qualityOf(parameters)
    if (representation !== undefined && quality > (best?.quality ?? 0)) best = { representation, quality }
  }
  return best?.representation ?? 'text'
}

function qualityOf(parameters: readonly string[]): number {
  const stated = parameters.find(parameter => parameter.startsWith('q='))
  if (stated === undefined) return 1
  const quality = Number(stated.slice(2))
  return quality >= 0 && quality <= 1 ? quality : 0
}
