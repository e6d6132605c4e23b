/** `[features]`: which protocols the embedded domain speaks, and what one account may keep with them. */
import Type from 'typebox'

import { featureNames } from './catalogue.ts'

export const featureOptions = Type.Object({
  disabled: Type.Array(Type.Enum(featureNames), {
    default: [], uniqueItems: true,
    description: 'Protocols that are switched off. Nothing announces them then, they have no effect, and what is asked of them is refused as any unknown request is. Rosters are not among them: '
      + 'presence is made of them. Without `disco` there is no `caps`. With `offline` off nothing more is kept; what was kept before is still given.',
  }),
  max_vcard_size: Type.Integer({
    default: 65_536, minimum: 1_000, maximum: 1_073_741_824, unit: 'bytes', description: 'The longest vCard that is kept (XEP-0054), its picture included.',
  }),
  max_private_size: Type.Integer({
    default: 262_144, minimum: 1_000, maximum: 1_073_741_824, unit: 'bytes', description: 'Private XML that one account may keep (XEP-0049), all of it together.',
  }),
  max_roster_items: Type.Integer({
    default: 2_000, minimum: 1, maximum: 100_000, unit: 'contacts', description: 'Contacts that one roster may have (RFC 6121 §2).',
  }),
  max_offline_messages: Type.Integer({
    default: 500, minimum: 1, maximum: 1_000_000, unit: 'messages', description: 'Messages that are kept for an account that is not there (XEP-0160). With more, the sender is told.',
  }),
  max_blocked: Type.Integer({
    default: 1_000, minimum: 1, maximum: 100_000, unit: 'JIDs', description: 'JIDs that one account may block (XEP-0191).',
  }),
}, { description: 'The protocols of the embedded domain.' })

export type FeatureOptions = Type.Static<typeof featureOptions>
