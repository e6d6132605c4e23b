// README.md: what is written from the code is up to date, and what it names exists.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { protocols } from '../../src/protocols.ts'
import { goodListener } from '../support/config-text.ts'
import { dependencyReasons } from '../documentation/dependency-reasons.ts'
import { withSections } from '../documentation/markers.ts'
import { currentReadme, readManifest, readmeFile } from '../documentation/readme.ts'

const root = new URL('../../', import.meta.url)
const readme = await readFile(readmeFile, 'utf8')

test('the generated sections of README.md are those of the code as it is ("npm run docs" writes them)', async () => {
  assert.equal(readme, await currentReadme())
})

test('every dependency has its one line of why, and no line is left of one that has gone', async () => {
  const { dependencies, optionalDependencies, devDependencies } = await readManifest()
  assert.deepEqual(Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }).toSorted(), Object.keys(dependencyReasons).toSorted())
})

describe('the table of RFCs and XEPs', () => {
  const ids = protocols.map(({ id }) => id)

  test('names each document once', () => { assert.deepEqual(ids, [...new Set(ids)]) })
  test('says of what is partial or planned which part', () => {
    assert.deepEqual(protocols.filter(({ status, note }) => status !== 'complete' && note === undefined), [])
  })
  test('says which version of a XEP was read', () => {
    assert.deepEqual(protocols.filter(({ id, status, version }) => id.startsWith('XEP-') && status !== 'planned' && version === undefined), [])
  })
  test('holds every XEP that the code cites as the source of what it does, planned ones apart', async () => {
    const cited = new Set<string>()
    for (const folder of ['src', 'plugins']) {
      for (const name of (await readdir(new URL(`${folder}/`, root), { recursive: true })).filter(file => file.endsWith('.ts'))) {
        for (const [id] of (await readFile(new URL(`${folder}/${name}`, root), 'utf8')).matchAll(/XEP-\d{4}/g)) cited.add(id)
      }
    }
    assert.deepEqual([...cited].filter(id => !ids.some(known => known === id)), [])
  })
})

describe('what README.md tells', () => {
  test('its links lead to files and headings that exist', () => {
    const slug = (heading: string) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(/\s/g, '-')
    const headings = new Set([...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading)))
    const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter(target => !/^https?:/.test(target))
    assert.ok(targets.length > 5)
    assert.deepEqual(targets.filter(target => target.startsWith('#') ? !headings.has(target.slice(1)) : !existsSync(new URL(target, root))), [])
  })

  test('its pieces of TOML are configurations without a mistake', async () => {
    const pieces = [...readme.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, piece = '']) => piece)
    assert.ok(pieces.length > 0)
    const folder = await mkdtemp(join(tmpdir(), 'meerkat-readme-'))
    try {
      for (const piece of pieces) {
        const file = join(folder, 'meerkat.toml')
        // What shows one section stands beside a listener.
        await writeFile(file, /^\[\[listen\./m.test(piece) ? piece : `${piece}\n${goodListener}`)
        assert.deepEqual((await loadConfig(file, { certsFolder: folder })).warnings, [])
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('every npm script that it names is there', async () => {
    const { scripts } = await readManifest() as { readonly scripts?: Readonly<Record<string, string>> }
    const named = new Set([...readme.matchAll(/npm run ([a-z]+)/g)].map(([, name = '']) => name))
    assert.deepEqual([...named].filter(name => !Object.hasOwn(scripts ?? {}, name)), [])
  })
})

test('a section is replaced between its markers; one without a place, with two, or an unknown one is an error', () => {
  const text = 'a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n'
  const fresh = 'a\n<!-- generated: x -->\n\nnew $1\n\n<!-- end: x -->\nb\n'
  assert.equal(withSections(text, { x: 'new $1' }), fresh)
  assert.equal(withSections(fresh, { x: 'new $1' }), fresh)
  assert.throws(() => withSections('a\n', { x: '' }), /exactly one place/)
  assert.throws(() => withSections(text + text, { x: '' }), /exactly one place/)
  assert.throws(() => withSections(text, {}), /no section x/)
})
