// XEP-0054: vcard-temp.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FeatureRig } from '../support/feature-rig.ts'

const mine = "<iq type='get' id='1'><vCard xmlns='vcard-temp'/></iq>"
const set = (content: string, to = ''): string => `<iq type='set' id='2'${to}><vCard xmlns='vcard-temp'>${content}</vCard></iq>`

describe('a vCard', () => {
  test('that was never set is empty for its owner (XEP-0054 §3.1)', async () => {
    assert.equal(await new FeatureRig().outcome(mine), "<vCard xmlns='vcard-temp'/>")
  })

  test('comes back as it was set, whoever asks and however he spells the address', async () => {
    const rig = new FeatureRig()
    const card = "<FN>Romeo &amp; <![CDATA[<he>]]></FN><x:y xmlns:x='urn:example:x' x:z='1'>a<x:b/>c</x:y>"
    assert.equal(await rig.outcome(set(card)), '')
    assert.equal(await rig.outcome(mine), `<vCard xmlns='vcard-temp'>${card}</vCard>`)
    await rig.account('juliet@example.net').commit([{ kind: 'vcard', xml: Buffer.from("<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>") }])
    assert.equal(await rig.outcome("<iq type='get' id='3' to='JULIET@example.net'><vCard xmlns='vcard-temp'/></iq>"), "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>")
  })

  test('is kept with the declarations that it inherited, so that it stands alone', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome("<iq type='set' id='2' xmlns:v='vcard-temp' xmlns:unused='urn:example:u'><v:vCard><v:FN>R</v:FN></v:vCard></iq>"), '')
    assert.equal(await rig.outcome(mine), "<v:vCard xmlns:v='vcard-temp'><v:FN>R</v:FN></v:vCard>")
  })

  test('is replaced as a whole, and an empty one is none (XEP-0054 §3.2)', async () => {
    const rig = new FeatureRig()
    await rig.outcome(set('<FN>Romeo</FN><URL>x</URL>'))
    await rig.outcome(set('<FN>Montague</FN>'))
    assert.equal(await rig.outcome(mine), "<vCard xmlns='vcard-temp'><FN>Montague</FN></vCard>")
    assert.equal(await rig.outcome(set('')), '')
    assert.equal((await rig.kept('romeo@example.net')).vcard, null)
  })

  test('is written only by its owner (XEP-0054 §3.2)', async () => {
    const rig = new FeatureRig()
    assert.equal(await rig.outcome(set('<FN>x</FN>', " to='juliet@example.net'")), '(forbidden)')
    assert.equal(await rig.outcome(set('<FN>x</FN>', " to='nobody@example.net'")), '(forbidden)')
    assert.equal(await rig.outcome(set('<FN>x</FN>', " to='example.net'")), '(forbidden)')
    for (const name of ['juliet', 'nobody', 'romeo']) assert.equal((await rig.kept(`${name}@example.net`)).vcard, null)
    assert.equal(await rig.outcome(set('<FN>x</FN>', " to='romeo@example.net'")), '')
  })

  test('of somebody who has none cannot be told from that of nobody (XEP-0054 §3.3)', async () => {
    const rig = new FeatureRig()
    rig.account('juliet@example.net').watchers.add(rig.account('romeo@example.net').jid)
    const of = (name: string) => rig.ask(`<iq type='get' id='1' to='${name}@example.net'><vCard xmlns='vcard-temp'/></iq>`)
    assert.equal((await of('juliet')).join('').replaceAll('juliet', 'nobody'), (await of('nobody')).join(''))
    assert.match((await of('nobody')).join(''), /<service-unavailable /)
  })

  test('may have as many bytes as configured and not one more', async () => {
    const rig = new FeatureRig({ max_vcard_size: 1_000 })
    const around = Buffer.byteLength("<vCard xmlns='vcard-temp'><FN></FN></vCard>")
    const exact = set(`<FN>${'é'.repeat((1_000 - around) / 2)}${'x'.repeat((1_000 - around) % 2)}</FN>`)
    assert.equal(await rig.outcome(exact), '')
    assert.equal(await rig.outcome(exact.replace('<FN>', '<FN>x')), '(policy-violation)')
    assert.match(await rig.outcome(mine), /<FN>é/)
  })

  test('with text beside its elements is no vCard', async () => {
    assert.equal(await new FeatureRig().outcome(set('<FN>x</FN>text')), '(bad-request)')
  })

  test('that the store cannot keep or find is an error, and told to the log', async () => {
    const rig = new FeatureRig()
    rig.loseStore()
    assert.equal(await rig.outcome(set('<FN>x</FN>')), '(internal-server-error)')
    assert.equal(await rig.outcome(mine), '(internal-server-error)')
    assert.deepEqual(rig.events.map(event => (event as { event: string }).event), ['request.failed', 'request.failed'])
  })
})
