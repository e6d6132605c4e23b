// README.md as it should be: its own words, with the generated sections made from the code as it is now.
import { readFile } from 'node:fs/promises'
import { generatedSections, type PackageManifest } from './generated-sections.ts'
import { withSections } from './markers.ts'

const root = new URL('../../', import.meta.url)

export const readmeFile = new URL('README.md', root)

export const readManifest = async (): Promise<PackageManifest> => JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as PackageManifest

export async function currentReadme(): Promise<string> {
  const manifest = await readManifest()
  return withSections(await readFile(readmeFile, 'utf8'),
    Object.fromEntries(Object.entries(generatedSections).map(([name, make]) => [name, make(manifest)])))
}
