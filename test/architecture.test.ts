// The shape of the tree: who may import whom (src/README.md), and the house rules that a machine can read.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Bottom to top. A folder imports itself and lower layers; folders of one layer do not import each other. */
const layers = [
  ['src/telemetry', 'src/xml'], ['src/xmpp'], ['src/x509'], ['src/auth'], ['src/sasl'], ['src/stream'], ['src/transport',
    'src/session'], ['src/store'],
  ['src/embedded', 'src/upstream', 'src/cluster'], ['src/config'], ['plugins'], ['src/house.ts'], ['src/app.ts', 'src/protocols.ts'], ['src/commands'], ['src/main.ts'],
]
/** Runs before Node's version is known to be right, so it is JavaScript and imports no module of ours. */
const outsideTheLayers = ['src/launch.mjs']

/** Certificates and lists that are valid until then, what is stamped or kept with its date: these ask what the date is. */
const askForTheDate = [
  'plugins/forwarded/arrivals.ts', 'plugins/welcome-page.ts', 'src/app.ts', 'src/commands/cert.ts', 'src/commands/check.ts', 'src/commands/start.ts',
  'src/config/tls-reload.ts', 'src/embedded/features/entity-time.ts', 'src/embedded/features/last-activity.ts', 'src/embedded/last-seen.ts',
  'src/embedded/message-rules.ts', 'src/session/certificate-sweep.ts', 'src/session/managed-sessions.ts', 'src/session/session-manager.ts',
  'src/telemetry/clock.ts', 'src/transport/client-certificates.ts',
]

interface Place { rank: number; folder: string }

function placeOf(path: string): Place | undefined {
  for (const [rank, layer] of layers.entries()) {
    const folder = layer.find(name => path === name || path.startsWith(`${name}/`))
    if (folder !== undefined) return { rank, folder }
  }
  return undefined
}

const modules = ['src', 'plugins']
  .flatMap(top => readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map(path => posix.join(top, path.replaceAll('\\',
    '/'))))
  .filter(path => /\.[cm]?[jt]sx?$/.test(path))
  .sort()
  .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
const layered = modules.filter(module => !outsideTheLayers.includes(module.path))

/** Every module specifier: `import`, `export … from`, `import()`, `import type`. */
const importsOf = (text: string): string[] => ts.preProcessFile(text, true, true).importedFiles.map(file => file.fileName)
const isRelative = (specifier: string) => specifier.startsWith('.')
const resolve = (path: string, specifier: string) => posix.join(dirname(path), specifier)

/** What a module of this path may not do, for one specifier; '' when it may. */
function objection(path: string, specifier: string): string {
  const from = placeOf(path)
  if (from === undefined) return `${path} belongs to no layer`
  if (!isRelative(specifier)) return ''
  const target = resolve(path, specifier)
  const to = placeOf(target)
  if (to === undefined) return `${path} imports ${target}, which belongs to no layer`
  return to.folder === from.folder || to.rank < from.rank ? '' : `${path} must not import ${target}`
}

/** Walks the syntax, so that strings and comments are not taken for code. */
function findings(path: string, text: string): string[] {
  const found: string[] = []
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const report = (node: ts.Node,
    what: string) => found.push(`${path}:${String(source.getLineAndCharacterOfPosition(node.getStart()).line + 1)} ${what}`)
  const visit = (node: ts.Node): void => {
    if (ts.isEnumDeclaration(node)) report(node, 'enum')
    if (ts.isModuleDeclaration(node)) report(node, 'namespace')
    if (node.kind === ts.SyntaxKind.AnyKeyword) report(node, 'any')
    if (ts.isNonNullExpression(node)) report(node, 'non-null assertion')
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword
      && !ts.isDefaultClause(node)) report(node, 'default export')
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && node.exportClause === undefined) report(node, 'export *')
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

describe('layers', () => {
  test('there are modules to look at', () => { assert.ok(layered.length > 20) })
  test('a module imports only its own folder and the layers below it', () => {
    assert.deepEqual(layered.flatMap(({ path, text }) => importsOf(text).map(specifier => objection(path, specifier))).filter(Boolean),
      [])
  })
  test('every relative import names an existing module with its extension', () => {
    const known = new Set(modules.map(module => module.path))
    assert.deepEqual(modules.flatMap(({ path, text }) => importsOf(text).filter(isRelative).map(specifier => resolve(path, specifier)))
      .filter(target => !known.has(target)), [])
  })
  test('Fastify stands only at the edge', () => {
    assert.deepEqual(layered.filter(({ path, text }) => !['plugins', 'src/app.ts'].includes(placeOf(path)?.folder ?? '')
      && importsOf(text).some(specifier => /^@?fastify(?:\/|$)/.test(specifier))).map(module => module.path), [])
  })
  test('the launcher imports nothing of ours and no package', () => {
    for (const { path, text } of modules.filter(module => outsideTheLayers.includes(module.path))) {
      assert.deepEqual(importsOf(text).filter(specifier => !specifier.startsWith('node:')), [], path)
    }
  })
  test('the checks above object to what they should', () => {
    assert.match(objection('src/xml/a.ts', '../xmpp/jid.ts'), /must not import/)
    assert.match(objection('src/session/a.ts', '../transport/b.ts'), /must not import/)
    assert.match(objection('src/embedded/a.ts', '../app.ts'), /must not import/)
    assert.match(objection('src/other/a.ts', 'node:fs'), /no layer/)
    assert.equal(objection('src/embedded/features/ping.ts', '../../xml/element.ts'), '')
    assert.deepEqual(importsOf("import type { A } from './a.ts'\nexport { b } from './b.ts'\nawait import('./c.ts')\nimport './d.ts'"),
      ['./a.ts', './b.ts', './c.ts', './d.ts'])
    assert.equal(findings('a.ts',
      "enum A {}\nlet b: any\nb!\nexport default b\nexport * from './c.ts'\nconst d = 'any enum' // any").length, 5)
  })
})

describe('house rules', () => {
  const offenders = (isWrong: (module: { path: string; text: string }) => boolean) => modules.filter(isWrong).map(module => module.path)

  test('no module is longer than 400 lines', () => {
    assert.deepEqual(offenders(({ text }) => text.trimEnd().split('\n').length > 400), [])
  })
  test('a file is named for the one thing that it holds, in kebab-case', () => {
    assert.deepEqual(offenders(({ path }) => !/^[a-z0-9]+(?:-[a-z0-9]+)*\.(?:ts|mjs)$/.test(basename(path))
      || /^(?:utils?|helpers?|commons?|types?|constants?|index|misc|shared)\./.test(basename(path))), [])
  })
  test('every file starts by saying what it is', () => {
    assert.deepEqual(offenders(({ text }) => !/^(?:#!.*\n)?(?:\/\/ |\/\*\*?\s)/.test(text)), [])
  })
  test('no enum, any, namespace, non-null assertion, default export or export *', () => {
    assert.deepEqual(modules.flatMap(({ path, text }) => findings(path, text)), [])
  })
  test('nothing is left to do later', () => {
    assert.deepEqual(offenders(({ text }) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(text)), [])
  })
  test('what passes is measured by Clock.elapsed: only what is a date is asked of Clock.now, which is set forwards and back', () => {
    assert.deepEqual(offenders(({ text }) => /(?:[Cc]lock|\bDate)\.now\b|\bnew Date\(\)/.test(text)), askForTheDate)
  })
  test('no TypeScript or lint error is silenced', () => {
    assert.deepEqual(offenders(({ text }) => /@ts-(?:ignore|nocheck|expect-error)|eslint-disable/.test(text)), [])
  })
})
