// Debian's Chromium: a page logs in by certificate over BOSH, once through Playwright's TLS, otherwise through the browser's own.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromiumPrograms } from '../support/chromium.ts'
import { requireProgram } from '../support/services.ts'
import { Browsing } from './browsing.ts'
import { seen } from './inbox.ts'

describe('a page in Chromium over BOSH', { skip: requireProgram(...chromiumPrograms) }, () => {
  let browsing: Browsing
  before(async () => { browsing = await Browsing.start(gateway => gateway.boshUrl()) })
  after(() => browsing.stop())

  const transports = () => browsing.gateway.eventsNamed('auth.success').filter(({ account }) => account === 'alice@localhost').map(({ transport }) => transport)
  const ended = () => browsing.gateway.eventsNamed('session.ended').filter(({ jid }) => String(jid).startsWith('alice@localhost/'))

  test('logs in with strophe.js through Playwright\'s client certificates, talks, and leaves with a goodbye', async () => {
    await browsing.withPlaywrightCertificate(async context => {
      const page = await browsing.openPageOfGateway(context)
      await page.click('#log-in')
      await browsing.shown(page, 'logged in as alice@localhost/')
      assert.deepEqual(transports(), ['bosh'])
      await browsing.talksWithBob(page)
      const before = ended().length
      await page.click('#log-out')
      await browsing.shown(page, 'logged out')
      await seen('the end of the session', () => ended().length > before)
      assert.equal(ended().at(-1)?.['reason'], 'closed')
    })
  })

  test('logs in with strophe.js and a certificate of the NSS database, by the browser\'s own TLS, and talks', async () => {
    const page = await browsing.openPageOfGateway(await browsing.freshBrowser({ hasCertificate: true }))
    await page.click('#log-in')
    await browsing.shown(page, 'logged in as alice@localhost/')
    await browsing.talksWithBob(page)
  })

  test('of another, allowed origin logs in with its visitor\'s certificate (CORS with credentials), without a request to warm up', async () => {
    const page = await browsing.openPage(await browsing.freshBrowser({ hasCertificate: true }), browsing.pages.origin('127.0.0.1'))
    await page.click('#log-in')
    await browsing.shown(page, 'logged in as alice@localhost/')
    await browsing.talksWithBob(page)
    await page.click('#log-out')
    await browsing.shown(page, 'logged out')
    await browsing.picture(page, 'bosh-other-origin')
  })

  test('of an origin that is not allowed cannot open a session, though the browser holds the certificate', async () => {
    const context = await browsing.freshBrowser({ hasCertificate: true })
    const own = await browsing.openPageOfGateway(context)
    await own.click('#log-in')
    await browsing.shown(own, 'logged in as alice@localhost/')

    const before = transports().length
    const page = await browsing.openPage(context, browsing.pages.origin('localhost'))
    const refused = page.waitForEvent('requestfailed', { predicate: request => request.url() === browsing.gateway.boshUrl() })
    await page.click('#log-in')
    assert.equal((await refused).failure()?.errorText, 'net::ERR_FAILED')
    assert.equal(transports().length, before)
  })
})
