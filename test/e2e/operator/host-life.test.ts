import { startOperatorWorld } from '../../support/operator-world.ts';
import { hostLife } from './host-life.ts';

hostLife(() => startOperatorWorld({ hosts: 2 }));
