// What the README says of BOSH: counted from the table of clauses, whose tests are what it rests on.
import { clauses } from '../bosh/clauses.ts'

const chapterOf = (section: string): string => section.replace(/\..*$/, '')

/** How many clauses of each section there are, and all that is decided otherwise or has no object here. */
export function boshStatement(): string {
  const sections = [...new Set(clauses.map(({ section }) => chapterOf(section)))].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const counts = sections.map(section => {
    const here = clauses.filter(row => chapterOf(row.section) === section)
    return `${section}: ${here.filter(row => 'test' in row).length} of ${here.length}`
  })
  const tested = clauses.filter(row => 'test' in row).length
  const excepted = clauses.flatMap(row => 'exception' in row ? [`- ${row.section} (${row.level}), ${row.clause}: ${row.exception}.`] : [])
  return [
    `Clauses of XEP-0124 and XEP-0206 that address the server, several streams in one session (§16) apart: ${tested} of ${clauses.length} hold, each by a test of its own `
      + `in [\`test/bosh\`](test/bosh/clauses.ts) (${counts.join(', ')}). The others:`,
    excepted.join('\n'),
  ].join('\n\n')
}
