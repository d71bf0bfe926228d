import type { Handlers } from '../contract/method.ts';
import type { systemMethods } from '../contract/system.ts';
import type { Jobs } from './jobs.ts';

/** The contract's methods on jobs. */
export const jobHandlers = (jobs: Jobs): Pick<Handlers<typeof systemMethods>, 'jobs.list' | 'jobs.get' | 'jobs.cancel'> => ({
  'jobs.list': () => jobs.list(),
  'jobs.get': ({ id }) => jobs.get(id),
  'jobs.cancel': ({ id }) => jobs.cancel(id),
});
