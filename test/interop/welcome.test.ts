// The welcome page in Debian's Chromium, by the browser's own TLS: what it shows, and its button that opens the WebSocket and logs in.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { type BrowserProfile, chromiumPrograms, openProfile } from '../support/chromium.ts'
import { Gateway } from '../support/gateway.ts'
import { requireProgram } from '../support/services.ts'

describe('the welcome page in Chromium', { skip: requireProgram(...chromiumPrograms) }, () => {
  let gateway: Gateway
  const profiles: BrowserProfile[] = []

  before(async () => { gateway = await Gateway.start() })
  after(async () => {
    for (const { close } of profiles) await close()
    await gateway.stop()
  })

  async function visit(hasCertificate: boolean): Promise<Page> {
    const file = (name: string) => join(gateway.folder, 'certs', name)
    const profile = await openProfile({
      caFile: file('ca.crt'),
      ...hasCertificate ? { p12: { file: file('alice.p12'), password: 'meerkat' }, certificateFor: [gateway.origin()] } : {},
    })
    profiles.push(profile)
    const page = await profile.context.newPage()
    await page.goto(`${gateway.origin()}/`)
    return page
  }

  /** Presses the button; what the page says in the end. */
  async function attempt(page: Page): Promise<string> {
    await page.locator('#trial button').click()
    const outcome = page.locator('#outcome')
    await outcome.waitFor({ state: 'visible', timeout: 15_000 })
    return await outcome.textContent() ?? ''
  }

  test('shows a visitor with a certificate who he is, and logs him in step by step', async () => {
    const page = await visit(true)
    assert.match(await page.locator('h1').textContent() ?? '', /alice@localhost/)
    assert.match(await attempt(page), /It works.*alice@localhost\/\S+/)
    const steps = await page.locator('#steps').textContent() ?? ''
    for (const step of [/WebSocket/, /EXTERNAL/, /Bind/, /Ping/]) assert.match(steps, step)
    assert.equal(gateway.eventsNamed('session.bound').length, 1)
  })

  test('tells a visitor without one that there is none, and shows the refusal in the server\'s words', async () => {
    const page = await visit(false)
    assert.match(await page.locator('h1').textContent() ?? '', /without a certificate/)
    assert.match(await attempt(page), /No client certificate came with this connection/)
    assert.equal(gateway.eventsNamed('auth.failure').at(-1)?.['condition'], 'not-authorized')
  })
})
