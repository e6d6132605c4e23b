// Debian's Chromium: a page logs in by certificate over WSS, once through Playwright's TLS, otherwise through the browser's own.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromiumPrograms } from '../support/chromium.ts'
import { requireProgram } from '../support/services.ts'
import { Browsing } from './browsing.ts'

describe('a page in Chromium', { skip: requireProgram(...chromiumPrograms) }, () => {
  let browsing: Browsing
  before(async () => { browsing = await Browsing.start(gateway => gateway.url()) })
  after(() => browsing.stop())

  test('logs in with strophe.js through Playwright\'s client certificates, and talks', async () => {
    await browsing.withPlaywrightCertificate(async context => {
      const page = await browsing.openPageOfGateway(context)
      await page.click('#log-in')
      await browsing.shown(page, 'logged in as alice@localhost/')
      await browsing.talksWithBob(page)
      await browsing.picture(page, 'playwright-certificate')
    })
  })

  test('logs in with strophe.js and a certificate of the NSS database, by the browser\'s own TLS, and talks', async () => {
    const page = await browsing.openPageOfGateway(await browsing.freshBrowser({ hasCertificate: true }))
    await page.click('#log-in')
    await browsing.shown(page, 'logged in as alice@localhost/')
    await browsing.talksWithBob(page)
    await browsing.picture(page, 'own-certificate')
  })

  test('of another, allowed origin logs in by certificate after a request to warm up; before it the WebSocket ends with 1006', async () => {
    const page = await browsing.openPage(await browsing.freshBrowser({ hasCertificate: true }), browsing.pages.origin('127.0.0.1'))
    await page.click('#ask')
    await browsing.shown(page, 'closed with 1006')
    await page.click('#warm-up')
    await browsing.shown(page, 'warmed up')
    await page.click('#log-in')
    await browsing.shown(page, 'logged in as alice@localhost/')
    await browsing.talksWithBob(page)
    await browsing.picture(page, 'other-origin')
  })

  test('of an origin that is not allowed cannot open a session, though the browser holds the certificate', async () => {
    const context = await browsing.freshBrowser({ hasCertificate: true })
    const own = await browsing.openPageOfGateway(context)
    await own.click('#log-in')
    await browsing.shown(own, 'logged in as alice@localhost/')

    const before = browsing.gateway.eventsNamed('auth.success').length
    const page = await browsing.openPage(context, browsing.pages.origin('localhost'))
    await page.click('#log-in')
    await browsing.shown(page, 'log-in failed')
    await page.click('#ask')
    await browsing.shown(page, 'closed with 1006')
    const refusals = browsing.gateway.eventsNamed('websocket.refused').filter(({ origin }) => origin === browsing.pages.origin('localhost'))
    assert.deepEqual(refusals.map(({ status }) => status), [403, 403])
    assert.equal(browsing.gateway.eventsNamed('auth.success').length, before)
    await browsing.picture(page, 'refused-origin')
  })

  test('in a browser without a certificate reads in the server\'s words why the login is refused, after a request to warm up', async () => {
    const page = await browsing.openPage(await browsing.freshBrowser({ hasCertificate: false }), browsing.pages.origin('127.0.0.1'))
    await page.click('#ask')
    await browsing.shown(page, 'closed with 1006')
    await page.click('#warm-up')
    await browsing.shown(page, 'warmed up')
    await page.click('#ask')
    await browsing.shown(page, 'refused, not-authorized: No client certificate came with this connection.')
    await page.click('#log-in')
    await browsing.shown(page, 'log-in failed: no-auth-mech')
    await browsing.picture(page, 'no-certificate')
  })
})
