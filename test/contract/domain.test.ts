/** The contract of Domain on the embedded one. */
import { domainContract } from './domain.ts'
import { neighbourhood } from '../support/neighbourhood.ts'

domainContract('embedded', () => neighbourhood().domains[0]!)
