// A gateway, a page to log in with, and Chromium to look at it: by Playwright's TLS or by its own, from the gateway's origin or another.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { type BrowserProfile, launchOptions, openProfile } from '../support/chromium.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { WireClient } from '../support/wire-client.ts'
import { asset, isAsset, PageServer } from './page-server.ts'

const patience = 15_000

export class Browsing {
  readonly pages: PageServer
  readonly gateway: Gateway
  readonly #service: string
  readonly #profiles: BrowserProfile[] = []

  private constructor(pages: PageServer, gateway: Gateway, service: string) {
    this.pages = pages
    this.gateway = gateway
    this.#service = service
  }

  /** `serviceOf`: where the page connects to. Of the page server's two origins the one by address is allowed. */
  static async start(serviceOf: (gateway: Gateway) => string): Promise<Browsing> {
    const pages = await PageServer.listen()
    const gateway = await Gateway.start({ toml: defaultToml.replace('port = 0', `port = 0\norigins = ["${pages.origin('127.0.0.1')}"]`) })
    await pages.useCertificate(join(gateway.folder, 'certs'))
    return new Browsing(pages, gateway, serviceOf(gateway))
  }

  async stop(): Promise<void> {
    await this.pages.stop()
    for (const { close } of this.#profiles) await close()
    await this.gateway.stop()
  }

  /** A browser that nobody has used yet. */
  async freshBrowser({ hasCertificate, user = 'alice' }: { readonly hasCertificate: boolean, readonly user?: string }): Promise<BrowserContext> {
    const file = (name: string) => join(this.gateway.folder, 'certs', name)
    const profile = await openProfile({
      caFile: file('ca.crt'),
      ...hasCertificate ? { p12: { file: file(`${user}.p12`), password: 'meerkat' }, certificateFor: [this.gateway.origin()] } : {},
    })
    this.#profiles.push(profile)
    return profile.context
  }

  /** A browser for which Playwright speaks TLS, with the certificate of alice. */
  async withPlaywrightCertificate(act: (context: BrowserContext) => Promise<void>): Promise<void> {
    const { cert, key } = await this.gateway.identity('alice')
    const browser = await chromium.launch(launchOptions())
    try {
      await act(await browser.newContext({
        bypassCSP: true,
        ignoreHTTPSErrors: true, // Playwright speaks TLS for the browser here, and knows no authority of ours
        clientCertificates: [{ origin: this.gateway.origin(), cert: Buffer.from(cert), key: Buffer.from(key) }],
      }))
    } finally {
      await browser.close()
    }
  }

  /** Converse.js on the allowed origin; with a resource of its own, which it needs to know that it is the same after a reload. */
  async openConverse(context: BrowserContext, user: string): Promise<Page> {
    const page = await context.newPage()
    const query = new URLSearchParams({ service: this.#service, jid: `${user}@localhost/converse` })
    await page.goto(`${this.pages.origin('127.0.0.1')}/converse.html?${query}`)
    return page
  }

  async openPage(context: BrowserContext, origin: string): Promise<Page> {
    const page = await context.newPage()
    await page.goto(this.#pageUrl(origin, '/login.html'))
    return page
  }

  /** As if the gateway's own web server had the page: a document of that server, really fetched, with another content. */
  async openPageOfGateway(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    await page.goto(this.#pageUrl(this.gateway.origin(), '/'))
    await this.picture(page, 'welcome')
    await page.route(url => isAsset(url.pathname), async route => {
      const found = await asset(new URL(route.request().url()).pathname)
      await (found === null ? route.abort() : route.fulfill(found))
    })
    await page.setContent((await asset('/login.html'))?.body.toString() ?? '')
    return page
  }

  shown(page: Page, text: string | RegExp): Promise<void> {
    return page.locator('#log li').filter({ hasText: text }).first().waitFor({ timeout: patience })
  }

  /** For people to look at: SCREENSHOTS names a folder. */
  async picture(page: Page, name: string): Promise<void> {
    const folder = process.env.SCREENSHOTS
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) })
  }

  /** The page is logged in as alice. */
  async talksWithBob(page: Page): Promise<void> {
    const bob = await WireClient.login(this.gateway, 'bob')
    bob.send('<presence xmlns="jabber:client"/>')
    bob.send('<iq xmlns="jabber:client" type="get" id="p" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>')
    let heard = await bob.next()
    while (heard.local !== 'iq') heard = await bob.next()

    await page.fill('#text', 'Ça va, <bob> & co?')
    await page.click('#say')
    while (heard.local !== 'message') heard = await bob.next()
    assert.equal(heard.children[0]?.text, 'Ça va, <bob> & co?')
    const from = heard.attributes.get('from') ?? ''
    assert.match(from, /^alice@localhost\/./)

    bob.send(`<message xmlns="jabber:client" type="chat" to="${from}"><body>Très bien.</body></message>`)
    await this.shown(page, `${bob.jid}: Très bien.`)
    await bob.quit()
  }

  #pageUrl(origin: string, path: string): string {
    return `${origin}${path}?${new URLSearchParams({ service: this.#service, jid: 'alice@localhost' })}`
  }
}
