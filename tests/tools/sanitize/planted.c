/* Faults that the sanitizers must report; see planted.py. */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>

#include <libxml/tree.h>

int past_end(const char *lxml) {
    volatile int size = 8;
    volatile char *text = malloc(size);
    return text[size];
}

int freed_node(const char *lxml) {
    void *module = dlopen(lxml, RTLD_LAZY);
    xmlNode *(*create)(void *, const char *) = dlsym(module, "xmlNewNode");
    void (*destroy)(xmlNode *) = dlsym(module, "xmlFreeNode");
    volatile xmlNode *node = create(NULL, "name");
    destroy((xmlNode *)node);
    return node->line;
}

int overflow(const char *lxml) {
    volatile int most = INT_MAX;
    return most + 1;
}

int leak(const char *lxml) {
    volatile char *text = malloc(1000);
    text[0] = 1;
    text = NULL;
    return 0;
}
