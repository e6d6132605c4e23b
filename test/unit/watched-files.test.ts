// When a change of files counts: once, when it is over, whatever kind of change it is.
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { stateOf, WatchedFiles } from '../../src/config/watched-files.ts'
import { settled, TurnedClock } from '../support/turned-clock.ts'

describe('what counts', () => {
  async function watch(states: readonly string[], state: string | null = 'a'): Promise<number> {
    const clock = new TurnedClock()
    let changes = 0
    let look = 0
    const files = new WatchedFiles({ paths: ['x'], state, clock, changed: () => { changes += 1 }, look: async () => states[look++] ?? states.at(-1)! })
    files.start()
    for (const _ of states) {
      clock.advance(1_000)
      await settled()
    }
    files.stop()
    assert.equal(clock.pending, 0)
    return changes
  }
  test('nothing, where nothing changes', async () => assert.equal(await watch(['a', 'a', 'a', 'a']), 0))
  test('one change, once it has stayed for two looks', async () => {
    assert.equal(await watch(['a', 'b']), 0)
    assert.equal(await watch(['a', 'b', 'b', 'b', 'b']), 1)
  })
  test('a file that is being written counts when that is over', async () => assert.equal(await watch(['b', 'c', 'd', 'e', 'e', 'e']), 1))
  test('a change that is undone before counts for nothing', async () => assert.equal(await watch(['a', 'b', 'a', 'a', 'a']), 0))
  test('each of several', async () => assert.equal(await watch(['b', 'b', 'c', 'c', 'a', 'a']), 3))
  test('a change between the reading and the first look', async () => assert.equal(await watch(['b', 'b'], 'a'), 1))
  test('without a state, what is there at the first look', async () => assert.equal(await watch(['b', 'b', 'b'], null), 0))
  test('not what is about to be read anyway', async () => {
    const clock = new TurnedClock()
    let state = 'a'
    let changes = 0
    const files = new WatchedFiles({ paths: ['x'], state, clock, changed: () => { changes += 1 }, look: async () => state })
    files.start()
    state = 'b'
    await files.mark()
    for (let look = 0; look < 4; look++) { clock.advance(1_000); await settled() }
    assert.equal(changes, 0)
    files.stop()
  })
})

describe('the state of files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-watch-'))
  after(() => { rmSync(folder, { recursive: true }) })
  const file = (name: string) => join(folder, name)
  const changes = async (paths: readonly string[], act: () => void) => {
    const before = await stateOf(paths)
    assert.equal(await stateOf(paths), before)
    act()
    return await stateOf(paths) !== before
  }
  test('changes by a rename into place, also of a file with the same size and time', async () => {
    for (const name of ['one', 'two']) writeFileSync(file(name), 'same')
    for (const name of ['one', 'two']) utimesSync(file(name), 1, 1)
    assert.ok(await changes([file('one')], () => { renameSync(file('two'), file('one')) }))
  })
  test('changes by rewriting, also with the same size and a time that is put back', async () => {
    writeFileSync(file('one'), 'same')
    utimesSync(file('one'), 1, 1)
    assert.ok(await changes([file('one')], () => { writeFileSync(file('one'), 'eman'); utimesSync(file('one'), 1, 1) }))
  })
  test('changes by another link above it, by removal and by return', async () => {
    for (const version of ['v1', 'v2']) writeFileSync(file(version), version)
    symlinkSync('v1', file('data'))
    symlinkSync('data', file('link'))
    assert.ok(await changes([file('link')], () => { symlinkSync('v2', file('next')); renameSync(file('next'), file('data')) }))
    assert.ok(await changes([file('link')], () => { unlinkSync(file('v2')) }))
    assert.ok(await changes([file('link')], () => { writeFileSync(file('v2'), 'again') }))
  })
  test('says of each path which it is', async () => {
    assert.notEqual(await stateOf([file('one'), file('gone')]), await stateOf([file('gone'), file('one')]))
  })
})
