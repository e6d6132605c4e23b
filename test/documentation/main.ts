// `npm run docs`: writes the generated sections of README.md anew.
import { readFile, writeFile } from 'node:fs/promises'
import { currentReadme, readmeFile } from './readme.ts'

const before = await readFile(readmeFile, 'utf8')
const after = await currentReadme()
if (after !== before) await writeFile(readmeFile, after)
process.stdout.write(after === before ? 'README.md is as it should be.\n' : 'README.md was brought up to date.\n')
