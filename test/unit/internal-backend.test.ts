// The backend `internal` before its first account is made.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Value } from 'typebox/value'
import { accountsFileName } from '../../src/auth/accounts/open-accounts.ts'
import { internal } from '../../src/auth/backends/internal.ts'
import { authOptions } from '../../src/auth/options.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { decoys } from '../support/password-login.ts'
import { TurnedClock } from '../support/turned-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'meerkat-internal-'))
after(() => { rmSync(folder, { recursive: true }) })

test('an account that was just made is noticed within a millisecond, and the folder is not looked at more often, whatever the clock is set to', async () => {
  for (const jump of [0, -3_600_000, 3_600_000]) {
    const clock = new TurnedClock()
    const dataFolder = mkdtempSync(join(folder, 'data-'))
    const backend = await internal.create(Value.Create(authOptions), { hosts: [], dataFolder, file: assert.fail, decoys, clock, log: silentLog })
    assert.equal(backend.accepts.size, 0)
    writeFileSync(join(dataFolder, accountsFileName), '')
    clock.jump(jump)
    clock.advance(0.5)
    assert.equal(backend.accepts.size, 0)
    clock.advance(0.5)
    assert.deepEqual([...backend.accepts], ['password', 'scram'])
  }
})
