// Replaces what stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->` in a Markdown text.

/** Throws when a section has no place in the text, has two, or when the text has a place for an unknown one. */
export function withSections(text: string, sections: Readonly<Record<string, string>>): string {
  const places = [...text.matchAll(/<!-- generated: (\S+) -->/g)].map(([, name = '']) => name)
  const unknown = places.filter(name => !Object.hasOwn(sections, name))
  if (unknown.length > 0) throw new Error(`there is no section ${unknown.join(', ')}`)
  return Object.entries(sections).reduce((written, [name, content]) => {
    const parts = written.split(new RegExp(`(?<=<!-- generated: ${name} -->\\n)[^]*?(?=<!-- end: ${name} -->)`))
    const [before, after] = parts
    if (before === undefined || after === undefined || parts.length > 2) throw new Error(`the section ${name} must have exactly one place, it has ${parts.length - 1}`)
    return `${before}\n${content}\n\n${after}`
  }, text)
}
