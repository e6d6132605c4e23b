/** XEP-0202: Entity Time. The server tells its time in UTC, and no zone: where it stands is nobody's business (§6). */
import { tag, text } from '../../xml/write.ts'
import type { Feature } from '../feature.ts'

const NS_TIME = 'urn:xmpp:time'

export const entityTime: Feature = {
  name: 'time',
  specs: [{ id: 'XEP-0202', title: 'Entity Time', status: 'complete', version: '2.0', note: 'the time of the server, in UTC' }],
  disco: { server: [NS_TIME] },
  iq: [{
    type: 'get', ns: NS_TIME, local: 'time', at: ['server'],
    handle: (_request, { clock }) => tag('time', { xmlns: NS_TIME },
      // §2: fractions of a second are of no use over a network.
      tag('tzo', {}, text('+00:00')), tag('utc', {}, text(new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')))),
  }],
}
