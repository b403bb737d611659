#ifndef KERNEL_FAULTS_H
#define KERNEL_FAULTS_H
#endif
