/** A component's weights among the executor's variables, as its forward pass takes them. */
import type { State } from '../backend/executor.ts';
import type { ComponentName } from '../checkpoint/modelSource.ts';
import type { ModelContext } from '../models/context.ts';
import { variableName } from './baseModel.ts';

export const stateContext = (state: State, component: ComponentName): ModelContext => ({
  w: (name) => state.get(variableName(component, name)),
  has: (name) => state.has(variableName(component, name)),
});
